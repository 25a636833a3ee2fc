// Users and members: who there is, who belongs where, and passwords that nobody gets to see.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { addMember, changeRole, listMembers, removeMember } from "../server/accounts/members.ts"
import { createProject, findProject, updateProject } from "../server/accounts/projects.ts"
import {
  createUser,
  disableUser,
  enableUser,
  findUser,
  listUsers,
  setPassword,
  verifyPassword,
} from "../server/accounts/users.ts"
import { composeServer, runCommand } from "./harness.ts"
import type { InProcess } from "./harness.ts"

let server: InProcess
let app: InProcess["atelier"]["app"]
before(async () => {
  server = await composeServer()
  ;({ app } = server.atelier)
})
after(() => server.end())

let count = 0

async function projectWith(...roles: ("owner" | "member" | "viewer")[]) {
  const id = `team-${++count}`
  await createProject(app, { id })
  const users = roles.map(async (role, index) => {
    const user = await createUser(app, { email: `${role}${index}@${id}.example` })
    await addMember(app, id, user, role)
    return user
  })
  return { id, users: await Promise.all(users) }
}

const rolesIn = async (id: string) => (await listMembers(app, id)).map(({ role }) => role).sort()

const password = "a very long winter"

describe("a user", () => {
  it("is one, however the address is written", async () => {
    const { id } = await createUser(app, { email: "Ada@Example.COM", name: "Ada" })
    await assert.rejects(createUser(app, { email: "ada@example.com" }), /a user ada@example\.com already/)
    assert.equal((await findUser(app, " ADA@example.com ")).id, id)
    for (const email of ["", "ada", "ada@", "@example.com", "a b@example.com", `${"a".repeat(250)}@example.com`])
      await assert.rejects(createUser(app, { email }), /is not an email address/)
    const found = (await listUsers(app)).filter(({ email }) => email.startsWith("ada"))
    assert.deepEqual(
      found.map(({ email, name, password_hash }) => ({ email, name, password_hash })),
      [{ email: "ada@example.com", name: "Ada", password_hash: null }],
    )
  })

  it("made twice at once is made once", async () => {
    const tries = Array.from({ length: 8 }, () => createUser(app, { email: "twin@example.com" }))
    const made = (await Promise.allSettled(tries)).filter(({ status }) => status === "fulfilled")
    assert.equal(made.length, 1)
  })

  it("comes in with the right password only, and with none while there is none or it is disabled", async () => {
    const email = "grace@example.com"
    const { id } = await createUser(app, { email })
    const comesIn = async (typed = password, as = email) => (await verifyPassword(app, as, typed))?.id === id
    assert.equal(await comesIn(), false)
    await setPassword(app, email, password)
    assert.equal(await comesIn(), true)
    assert.equal(await comesIn(password, "GRACE@example.com"), true)
    assert.equal(await comesIn(`${password}s`), false)
    await disableUser(app, email)
    assert.equal(await comesIn(), false)
    await enableUser(app, email)
    assert.equal(await comesIn(), true)
    await assert.rejects(setPassword(app, email, "too short"), /at least 12 characters/)
    await setPassword(app, email, "another long winter")
    assert.deepEqual([await comesIn(), await comesIn("another long winter")], [false, true])
  })
})

describe("a project", () => {
  it("changes as it is told, and no other does", async () => {
    const [one, other] = [await projectWith(), await projectWith()]
    const of = async (id: string) => {
      const { name, plan } = (await findProject(app, id))!
      return [name, plan]
    }
    assert.equal(await updateProject(app, one.id, { name: "A barn" }), true)
    assert.equal(await updateProject(app, one.id, { plan: "free" }), true)
    assert.deepEqual(
      [await of(one.id), await of(other.id)],
      [
        ["A barn", "free"],
        [other.id, "community"],
      ],
    )
    assert.equal(await updateProject(app, "nowhere", { plan: "free" }), false)
  })
})

describe("a member", () => {
  it("is added once, changed and taken out, and only of that project", async () => {
    const { id, users } = await projectWith("owner", "viewer")
    const other = await projectWith("owner")
    const [, viewer] = users
    await assert.rejects(addMember(app, id, viewer!, "member"), /is a member of .* already/)
    await changeRole(app, id, viewer!, "member")
    assert.deepEqual(await rolesIn(id), ["member", "owner"])
    await assert.rejects(changeRole(app, other.id, viewer!, "viewer"), /is no member of/)
    await assert.rejects(removeMember(app, other.id, viewer!), /is no member of/)
    await removeMember(app, id, viewer!)
    assert.deepEqual([await rolesIn(id), await rolesIn(other.id)], [["owner"], ["owner"]])
    await addMember(app, id, viewer!, "viewer")
  })

  it("that is the last owner stays one, until somebody else is", async () => {
    const { id, users } = await projectWith("owner", "member")
    const [owner, member] = users
    await assert.rejects(removeMember(app, id, owner!), /the last owner/)
    await assert.rejects(changeRole(app, id, owner!, "viewer"), /the last owner/)
    await changeRole(app, id, owner!, "owner")
    await changeRole(app, id, member!, "owner")
    await disableUser(app, member!.email)
    await assert.rejects(removeMember(app, id, owner!), /the last owner/, "one who cannot come in does not count")
    await enableUser(app, member!.email)
    await removeMember(app, id, owner!)
    assert.deepEqual(await rolesIn(id), ["owner"])
  })

  it("is the last owner also where several leave at once", async () => {
    for (let round = 0; round < 5; round++) {
      const { id, users } = await projectWith("owner", "owner", "owner")
      const left = await Promise.allSettled(users.map((user) => removeMember(app, id, user)))
      assert.equal(left.filter(({ status }) => status === "fulfilled").length, 2)
      assert.deepEqual(await rolesIn(id), ["owner"])
    }
  })

  it("has a role that there is, by the database itself", async () => {
    const { id, users } = await projectWith("owner")
    const change = app.database.transaction((tx) =>
      tx
        .updateTable("memberships")
        .set({ role: "king" as "owner" })
        .where("project_id", "=", id)
        .execute(),
    )
    await assert.rejects(change)
    const stray = { project_id: id, user_id: "usr_nobody", role: "owner", created_at: 1 } as const
    await assert.rejects(app.database.transaction((tx) => tx.insertInto("memberships").values(stray).execute()))
    const email = users[0]!.email.toUpperCase()
    await assert.rejects(
      app.database.transaction((tx) =>
        tx
          .insertInto("users")
          .values({ ...users[0]!, id: "usr_x", email })
          .execute(),
      ),
    )
  })
})

describe("the shell", () => {
  const atelier = (args: string[], input?: string) =>
    runCommand(server.dataFolder, args, input === undefined ? {} : { input })
  const json = async (...args: string[]) => {
    const { code, printed, said } = await atelier([...args, "--json"])
    assert.deepEqual([code, said], [0, ""])
    return JSON.parse(printed) as unknown
  }

  it("makes users and projects of theirs, and lists who belongs where", async () => {
    await json("users", "create", "Eve@Example.com", "--name", "Eve")
    await json("users", "create", "mallory@example.com")
    assert.deepEqual(await json("projects", "create", "Eve's", "--id", "eves", "--owner", "eve@example.com"), {
      ...{ id: "eves", name: "Eve's", plan: "community", owner: "eve@example.com" },
    })
    await json("members", "add", "mallory@example.com", "--project", "eves", "--role", "viewer")
    await json("members", "update", "mallory@example.com", "--project", "eves", "--role", "member")
    const members = (await json("members", "list", "--project", "eves")) as { email: string; role: string }[]
    assert.deepEqual(
      members.map(({ email, role }) => [email, role]),
      [
        ["eve@example.com", "owner"],
        ["mallory@example.com", "member"],
      ],
    )
    const users = (await json("users", "list")) as { email: string; projects: unknown }[]
    assert.deepEqual(users.find(({ email }) => email === "mallory@example.com")?.projects, [
      { id: "eves", role: "member" },
    ])
    const last = await atelier(["members", "remove", "eve@example.com", "--project", "eves"])
    assert.deepEqual([last.code, last.said.includes("the last owner")], [1, true])
    await json("members", "remove", "mallory@example.com", "--project", "eves")
    assert.match((await atelier(["projects", "show", "eves"])).printed, /owner {2}eve@example\.com/)
  })

  it("makes no project for an owner that there is not", async () => {
    const { code, said } = await atelier(["projects", "create", "x", "--id", "ownerless", "--owner", "no@example.com"])
    assert.deepEqual([code, said], [1, "There is no user no@example.com."])
    assert.notEqual((await atelier(["projects", "show", "ownerless"])).code, 0)
  })

  it("takes passwords from standard input alone, and shows them nowhere", async () => {
    const secret = "canary in a coal mine"
    const all = [
      await atelier(["users", "create", "canary@example.com", "--password-stdin", "--json"], `${secret}\n`),
      await atelier(["users", "password", "canary@example.com", "--password-stdin"], `${secret}, too\r\n`),
      await atelier(["users", "password", "canary@example.com", "--password-stdin"], "canary"),
      await atelier(["users", "password", "canary@example.com", secret]),
      await atelier(["users", "password", "canary@example.com", `--password=${secret}`]),
      await atelier(["users", "password", "canary@example.com"], secret),
      await atelier(["users", "list", "--json"]),
    ]
    assert.deepEqual(
      all.map(({ code }) => code),
      [0, 0, 1, 1, 1, 1, 0],
    )
    assert.doesNotMatch(JSON.stringify(all), /coal mine|\$argon2/)
    assert.doesNotMatch(JSON.stringify(await listUsers(app)), /coal mine/)
    assert.ok(await verifyPassword(app, "canary@example.com", `${secret}, too`))
    await atelier(["users", "disable", "canary@example.com"])
    assert.equal(await verifyPassword(app, "canary@example.com", `${secret}, too`), undefined)
    assert.equal((await atelier(["users", "enable", "canary@example.com"])).printed, "canary@example.com is active.")
  })
})
