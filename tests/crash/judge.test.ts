// A rule that cannot fail is no rule: each is shown made-up evidence in which just one thing is wrong.
import assert from "node:assert/strict"
import { createHmac } from "node:crypto"
import { describe, it } from "node:test"
import type { AttemptRow, GenerationRow } from "../../server/database/tables/generations.ts"
import type { ImageRow } from "../../server/database/tables/images.ts"
import type { JobRow } from "../../server/database/tables/queue.ts"
import type { WebhookDeliveryRow } from "../../server/database/tables/webhooks.ts"
import type { Evidence } from "./evidence.ts"
import { judge, rules } from "./judge.ts"
import type { RuleName } from "./judge.ts"
import { makeWish, promptOf } from "./wishes.ts"
import type { Wish } from "./wishes.ts"

const at = 1_800_000_000_000
const [price, granted] = [10, 100]
const sha256 = "ab".repeat(32)
const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`

const wish = (number: number, facts: Partial<Wish> = {}): Wish => ({
  ...makeWish(1, number),
  ...{ dialect: "native", model: "openai/gpt-image-2", pictures: 1, calls: 1, known: "by key", again: false },
  ...facts,
})

type Status = "succeeded" | "failed" | "canceled"

/** A wish, and all that it leaves behind when it comes to this end and nothing goes wrong. */
function add(evidence: Evidence, one: Wish, status: Status) {
  const { number, token } = one
  const [generation_id, message] = [`gen_${number}`, `msg_${number}`]
  const charged_micros = status === "succeeded" ? price : 0
  const { tables } = evidence
  evidence.wishes.push(one)
  const about = { wish: number, what: "wish" as const }
  evidence.client.push(
    { at, ...about, act: "asking", about: one },
    { at, ...about, act: "answered", status: 200, generation: generation_id, ended: status, code: null },
  )
  const order = { at: at + 2, call: number, token }
  evidence.vendors.push(
    { ...order, act: "ordered", vendor: "api.openai.com", committed: 1 },
    { ...order, act: "worked", mischief: null },
  )
  tables.generations.push({
    ...{ id: generation_id, project_id: "p", status, created_at: at, finished_at: at + 9 },
    ...{ reserved_micros: price, charged_micros, input_json: JSON.stringify({ prompt: promptOf(one) }) },
  } as GenerationRow)
  tables.attempts.push({
    ...{ id: `att_${number}`, generation_id, part: 0, ordinal: 1, sent_at: at + 1, finished_at: at + 5 },
    ...{ state: status === "succeeded" ? "stored" : "failed", check_json: null, failure_json: null },
  } as AttemptRow)
  for (const [index, type] of ["queued", "running", status].entries())
    tables.events.push({ generation_id, sequence: index + 1, type, data_json: "{}", created_at: at })
  post(evidence, `res_${number}`, "reserve", generation_id, { "p:live:available": -price, "p:live:reserved": price })
  post(evidence, `end_${number}`, charged_micros > 0 ? "settle" : "release", generation_id, {
    "p:live:reserved": -price,
    [charged_micros > 0 ? "house:live:revenue" : "p:live:available"]: price,
  })
  if (status === "succeeded") tables.images.push({ id: `img_${number}`, generation_id, sha256, bytes: 5 } as ImageRow)
  const body = JSON.stringify({ generation_id, status })
  const named = { id: message, generation_id, endpoint_id: "whk_1", body }
  tables.deliveries.push({ ...named, status: "succeeded", due_at: null } as WebhookDeliveryRow)
  const timestamp = String(at / 1000)
  const key = Buffer.from(secret.slice(6), "base64")
  const signature = `v1,${createHmac("sha256", key).update(`${message}.${timestamp}.${body}`).digest("base64")}`
  evidence.receiver.push({ at, path: "/p", id: message, timestamp, signature, body, answer: "taken" })
}

function post(
  { tables }: Evidence,
  id: string,
  kind: "grant" | "reserve" | "settle" | "release",
  generation_id: string | null,
  moves: Record<string, number>,
) {
  tables.postings.push({
    id,
    kind,
    project_id: "p",
    mode: "live",
    generation_id,
    closes: null,
    reason: "",
    created_at: at,
  })
  for (const [account_id, amount_micros] of Object.entries(moves)) {
    tables.entries.push({ posting_id: id, account_id, amount_micros })
    const account = tables.accounts.find(({ id }) => id === account_id)!
    if (account.project_id !== null) account.balance_micros += amount_micros
  }
}

/** One wish of each end, in order from head to foot. */
function soundEvidence(): Evidence {
  const account = (id: string, project_id: string | null, kind: "available" | "reserved" | "granted" | "revenue") => ({
    ...{ id, project_id, kind, mode: "live" as const, balance_micros: 0 },
  })
  const evidence: Evidence = {
    ...{ wishes: [], client: [], vendors: [], receiver: [], files: new Map([[sha256, { bytes: 5, sha256 }]]) },
    nemesis: [{ at: at + 100, act: "killed", pid: 1, when: "working" }],
    endpoints: [{ project: "p", path: "/p", secret }],
    tables: {
      ...{ generations: [], attempts: [], events: [], images: [], postings: [], entries: [], jobs: [], deliveries: [] },
      accounts: [
        account("p:live:available", "p", "available"),
        account("p:live:reserved", "p", "reserved"),
        account("house:live:granted", null, "granted"),
        account("house:live:revenue", null, "revenue"),
      ],
    },
  }
  post(evidence, "given", "grant", null, { "house:live:granted": -granted, "p:live:available": granted })
  add(evidence, wish(1), "succeeded")
  add(evidence, wish(2), "failed")
  add(evidence, wish(3), "canceled")
  return evidence
}

const accountIn = ({ tables }: Evidence, id: string) => tables.accounts.find((account) => account.id === id)!
const deliver = { id: "job", kind: "deliver-webhook", subject: "msg_1" } as JobRow

/** Both know the first wish's call a second time. */
const callAgain = ({ vendors, tables }: Evidence, committed: number) => {
  const [first] = tables.attempts
  tables.attempts.push({ ...first!, id: "att_again", ordinal: 2 })
  const order = { at: at + 6, call: 99, token: wish(1).token }
  vendors.push({ ...order, act: "ordered", vendor: "api.openai.com", committed })
  return order
}

type Wrong = [what: string, spoil: (evidence: Evidence) => void]

const wrongs: Record<RuleName, Wrong[]> = {
  noneIsLost: [
    ["its row is gone", ({ tables }) => void tables.generations.shift()],
    ["it is another's", ({ tables }) => void (tables.generations[0]!.input_json = tables.generations[1]!.input_json)],
    ["the answer has no name", ({ client }) => void Object.assign(client[1]!, { generation: null })],
  ],
  oneForAWish: [
    ["two generations", ({ tables }) => void tables.generations.push({ ...tables.generations[0]!, id: "gen_again" })],
    ["two names", ({ client }) => void client.push({ ...client[1]!, generation: "gen_2" } as never)],
    [
      "two by name that both succeeded",
      ({ tables, wishes }) => {
        wishes[0]!.known = "by name"
        tables.generations.push({ ...tables.generations[0]!, id: "gen_again" })
      },
    ],
  ],
  answersAreKept: [
    ["told another end", ({ client }) => void Object.assign(client[1]!, { ended: "failed" })],
    ["told of a fault of ours", ({ client }) => void Object.assign(client[1]!, { status: 500, code: "internal" })],
  ],
  endsOnce: [
    ["still running", ({ tables }) => void (tables.generations[0]!.status = "running")],
    ["two ends", ({ tables }) => void tables.events.push({ ...tables.events[2]!, sequence: 4, type: "failed" })],
    ["another end in its events", ({ tables }) => void (tables.events[2]!.type = "failed")],
    ["no event", ({ tables }) => void tables.events.splice(2, 1)],
    ["a gap", ({ tables }) => void tables.events.splice(1, 1)],
  ],
  nothingIsLeft: [
    ["a job", ({ tables }) => void tables.jobs.push({ ...deliver, kind: "run-generation", subject: "gen_1" })],
    ["a job for what was told", ({ tables }) => void tables.jobs.push(deliver)],
    ["an open call", ({ tables }) => void (tables.attempts[1]!.state = "sent")],
  ],
  serverStaysUp: [["fell", ({ nemesis }) => void nemesis.push({ at, act: "fell", pid: 2, log: "out of memory" })]],
  picturesAreWhole: [
    ["no bytes", ({ files }) => void files.clear()],
    ["other bytes", ({ files }) => void files.set(sha256, { bytes: 5, sha256: "cd".repeat(32) })],
    ["fewer bytes", ({ files }) => void files.set(sha256, { bytes: 4, sha256 })],
    ["no picture", ({ tables }) => void tables.images.pop()],
    ["one too many", ({ tables }) => void tables.images.push({ ...tables.images[0]!, id: "img_again" })],
    ["a failure's", ({ tables }) => void tables.images.push({ ...tables.images[0]!, generation_id: "gen_2" })],
  ],
  entriesSumToZero: [
    ["half a set", ({ tables }) => void tables.entries.pop()],
    ["a balance of its own", (evidence) => void (accountIn(evidence, "p:live:available").balance_micros += 1)],
  ],
  balanceNeverBelowZero: [
    ["taken before it is given", ({ tables }) => void tables.postings.push(tables.postings.shift()!)],
  ],
  setAsideOnce: [
    ["not at all", ({ tables }) => void tables.postings.splice(1, 1)],
    ["twice", ({ tables }) => void tables.postings.push(tables.postings[1]!)],
    ["another amount", ({ tables }) => void (tables.generations[0]!.reserved_micros = price + 1)],
  ],
  closedOnce: [
    ["not at all", ({ tables }) => void tables.postings.splice(2, 1)],
    ["twice", ({ tables }) => void tables.postings.push(tables.postings[2]!)],
    ["as the other", ({ tables }) => void (tables.postings[2]!.kind = "release")],
    ["by an adjustment as well", ({ tables }) => void tables.postings.push({ ...tables.postings[2]!, kind: "adjust" })],
    ["something is left", (evidence) => void (accountIn(evidence, "p:live:reserved").balance_micros = 1)],
  ],
  chargedAsDelivered: [
    ["a failure costs", ({ tables }) => void (tables.postings[2]!.generation_id = "gen_2")],
    ["a success is free", ({ tables }) => void Object.assign(tables.generations[1]!, { status: "succeeded" })],
    ["another amount", ({ tables }) => void (tables.generations[0]!.charged_micros = price - 1)],
    ["more than was set aside", ({ tables }) => void (tables.generations[0]!.reserved_micros = price - 1)],
  ],
  noCallWithoutSent: [
    ["nothing was committed", ({ vendors }) => void Object.assign(vendors[0]!, { committed: 0 })],
    ["one for two", (evidence) => void callAgain(evidence, 1)],
    ["never written", ({ tables }) => void tables.attempts.shift()],
  ],
  noneRepeatedBlindly: [["called again", (evidence) => void callAgain(evidence, 2)]],
  tasksAreFollowed: [["given up", ({ tables }) => void Object.assign(tables.attempts[1]!, { check_json: "{}" })]],
  givenUpForACause: [
    [
      "given up",
      ({ tables }) => void Object.assign(tables.attempts[1]!, { failure_json: `{"code":"outcome_unknown"}` }),
    ],
  ],
  webhooksDeliveredOrScheduled: [
    ["no delivery", ({ tables }) => void tables.deliveries.pop()],
    ["two", ({ tables }) => void tables.deliveries.push(tables.deliveries[0]!)],
    ["taken by nobody", ({ receiver }) => void (receiver[0]!.answer = "refused")],
    ["given up", ({ tables }) => void (tables.deliveries[0]!.status = "dead")],
    ["waits for nobody", ({ tables }) => void Object.assign(tables.deliveries[0]!, { status: "pending", due_at: at })],
  ],
  messagesAreTrue: [
    ["unsigned", ({ receiver }) => void (receiver[0]!.signature = "")],
    ["late", ({ receiver }) => void (receiver[0]!.at += 100_000)],
    ["nobody's", ({ receiver }) => void (receiver[0]!.id = "msg_none")],
    ["of another end", ({ tables }) => void (tables.generations[0]!.status = "failed")],
    ["not what the table says", ({ tables }) => void (tables.deliveries[0]!.body = "{}")],
  ],
}

describe("the judge", () => {
  it("finds nothing where nothing is wrong", () => assert.deepEqual(judge(soundEvidence()), []))

  for (const rule of Object.keys(rules) as RuleName[])
    for (const [what, spoil] of wrongs[rule])
      it(`${rule}: ${what}`, () => {
        const evidence = soundEvidence()
        spoil(evidence)
        assert.notDeepEqual(rules[rule](evidence), [])
      })
})

describe("the judge forgives", () => {
  const forgiven = (rule: RuleName, change: (evidence: Evidence) => void) => {
    const evidence = soundEvidence()
    change(evidence)
    assert.deepEqual(rules[rule](evidence), [])
  }

  it("another call after one that was refused without work", () =>
    forgiven("noneRepeatedBlindly", (evidence) => {
      evidence.vendors.push({ ...callAgain(evidence, 2), act: "refused", status: 429 })
    }))

  it("two calls of which the vendor had looked at the later one first", () =>
    forgiven("noCallWithoutSent", (evidence) => {
      callAgain(evidence, 2)
      evidence.vendors.reverse()
    }))

  it("another generation by name after one that came to nothing", () =>
    forgiven("oneForAWish", ({ tables, wishes }) => {
      wishes[1]!.known = "by name"
      tables.generations.push({ ...tables.generations[1]!, id: "gen_again" })
    }))

  it("an unknown outcome after a kill, or after an answer that was lost", () => {
    const giveUp = ({ tables }: Evidence) =>
      Object.assign(tables.attempts[1]!, { failure_json: `{"code":"outcome_unknown"}` })
    forgiven("givenUpForACause", (evidence) => {
      giveUp(evidence)
      evidence.nemesis[0]!.at = at + 3
    })
    forgiven("givenUpForACause", (evidence) => {
      giveUp(evidence)
      Object.assign(evidence.vendors[3]!, { mischief: "broken" })
    })
  })

  it("a webhook that waits for its next try, and one that was refused before it was taken", () =>
    forgiven("webhooksDeliveredOrScheduled", ({ tables, receiver }) => {
      Object.assign(tables.deliveries[0]!, { status: "pending", due_at: at })
      tables.jobs.push(deliver)
      receiver.push({ ...receiver[1]!, answer: "refused" })
    }))

  it("the open call of what was called off", () =>
    forgiven("nothingIsLeft", ({ tables }) => {
      tables.attempts[2]!.state = "sent"
    }))
})
