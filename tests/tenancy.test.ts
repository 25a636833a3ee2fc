// Every route with a name in it, asked by somebody else: what belongs to another project is like what there is not.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createKey } from "../server/accounts/keys.ts"
import { createProject } from "../server/accounts/projects.ts"
import { allRoutes } from "../server/routes.ts"
import type { Route } from "../server/http/route.ts"
import { call, generate, plainPng } from "./calls.ts"
import { composeServer } from "./harness.ts"
import type { InProcess } from "./harness.ts"

// What is public: models and words of a path.
const notOurs = ["model", "provider", "version", "operation"]

type Names = Record<string, string>

let server: InProcess
let stranger: { url: string; testKey: string }
/** What the default project has, by the route's group and parameter. */
let theirs: (route: Route) => Names
let nobodys: (route: Route) => Names

before(async () => {
  server = await composeServer({ ATELIER_EGRESS_ALLOW: "127.0.0.0/8" })
  const { app } = server.atelier
  await createProject(app, { id: "stranger" })
  stranger = { url: server.url, testKey: await createKey(app, "stranger", "test") }
  const { body } = await generate(server, "a fence", { model: "openai/gpt-image-2", quality: "low" })
  const png = await plainPng()
  await call(server, "/v1/default/image/fence.png", {
    method: "PUT",
    body: new Uint8Array(png),
    headers: { "content-type": "image/png" },
  })
  const hook = await call<{ id: string }>(server, "/v1/webhooks", {
    json: { url: "http://127.0.0.1:9/hook", events: ["images.completed"] },
  })
  assert.equal(hook.status, 201, hook.text)
  await generate(server, "a second fence", { model: "openai/gpt-image-2", quality: "low" })
  const log = await call<{ data: { id: string }[] }>(server, `/v1/webhooks/${hook.body.id}/deliveries`)
  const delivery = log.body.data[0]!.id
  theirs = namesOf({ generation: body.id, image: body.images[0]!.id, hook: hook.body.id, delivery, name: "fence.png" })
  const other = (id: string) => id.slice(0, -1) + (id.endsWith("A") ? "B" : "A")
  nobodys = namesOf({
    ...{ generation: other(body.id), image: other(body.images[0]!.id), hook: other(hook.body.id) },
    ...{ delivery: other(delivery), name: "fence.pnG" },
  })
})
after(() => server.end())

type Known = { generation: string; image: string; hook: string; delivery: string; name: string }

const namesOf =
  (known: Known) =>
  ({ path }: Route): Names => ({
    taskId: known.generation,
    uuid: known.generation,
    projectId: "default",
    imageId: known.name,
    id: path.includes("/deliveries/")
      ? known.delivery
      : path.includes("/webhooks/")
        ? known.hook
        : path.includes("/images/")
          ? known.image
          : known.generation,
  })

const parametersOf = ({ path }: Route): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)

const addressOf = ({ path }: Route, names: Names): string =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(names[name] ?? "x"))

const named = allRoutes.filter((route) => parametersOf(route).some((name) => !notOurs.includes(name)))

const bodies: Record<string, unknown> = {
  "PUT /v1/webhooks/{id}": { enabled: false },
  "PUT /v1/{projectId}/generate/{imageId}": { provider: "bfl", modelId: "flux-2-pro", prompt: "x" },
}

async function ask(route: Route, names: Names, target: { url: string; testKey: string }, key?: null) {
  const json = bodies[`${route.method} ${route.path}`]
  const isPicture = route.method === "PUT" && route.path.endsWith("/image/{imageId}")
  const content = isPicture
    ? { body: new Uint8Array(await plainPng()), headers: { "content-type": "image/png" } }
    : json === undefined
      ? {}
      : { json }
  const reply = await call(target, addressOf(route, names), {
    method: route.method,
    ...content,
    ...(key === null ? { key } : {}),
  })
  // What is each request's own.
  const text = Object.values(names).reduce((whole, name) => whole.replaceAll(name, "…"), reply.text)
  return { status: reply.status, text: text.replaceAll(/req_\w{24}/g, "req") }
}

describe("what belongs to another project", () => {
  it("is asked for by every route that there is with a name in it", () => {
    assert.ok(named.length >= 15, named.map(({ path }) => path).join())
    for (const route of named)
      for (const name of parametersOf(route))
        assert.ok(name in theirs(route) || notOurs.includes(name), `${name} of ${route.path}`)
  })

  for (const route of named) {
    it(`is like what there is not: ${route.method} ${route.path}`, async () => {
      const own = theirs(route)
      const [there, missing] = [await ask(route, own, stranger), await ask(route, nobodys(route), stranger)]
      assert.equal(there.status, 404, there.text)
      assert.deepEqual(there, missing)
      const unknown = await ask(route, own, server, null)
      assert.ok(unknown.status === 401, `without a key: ${unknown.status}`)
    })
  }

  it("was not touched by any of that", async () => {
    for (const route of named.filter(({ method }) => method === "GET")) {
      // A stream of events ends with the generation, which has.
      const { status, text } = await ask(route, theirs(route), server)
      assert.equal(status, 200, `${route.path}: ${text.slice(0, 200)}`)
    }
  })
})
