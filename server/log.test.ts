import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { z } from "zod"
import { GatewayError } from "./errors.ts"
import { createLog, describeCause, withoutSecrets } from "./log.ts"
import type { Fields } from "./log.ts"

const key = "sk-proj-4f9A2b7C1d8E3f6A5b0C"
const prompt = "a lighthouse that nobody was told of"

/** What a line of the log looks like. */
function write(fields: Fields, message = "it happened"): Record<string, unknown> {
  let line = ""
  createLog("debug", { write: (text) => void (line += text) }).warn(fields, message)
  return JSON.parse(line) as Record<string, unknown>
}

describe("a line of the log", () => {
  it("has the fields of the list as they are, and of others the name alone", () => {
    const given = { generation: "gen_1", tries: 3, body: prompt, headers: { authorization: key } } as Fields
    const { generation, tries, left_out, msg, ...rest } = write(given)
    assert.deepEqual([generation, tries, msg], ["gen_1", 3, "it happened"])
    assert.deepEqual(left_out, ["body", "headers"])
    assert.doesNotMatch(JSON.stringify(rest), /lighthouse|sk-/)
  })

  it("says of an error what it is, where it was, and why, but nothing that hangs on it", () => {
    const cause = Object.assign(new Error("connect ECONNREFUSED 10.0.0.5:443"), {
      code: "ECONNREFUSED",
      headers: { key },
    })
    const error = Object.assign(new Error("the vendor is gone", { cause }), { request: { body: prompt }, url: key })
    const { err } = write({ err: error }) as { err: Record<string, unknown> }
    assert.deepEqual([err["type"], err["message"]], ["Error", "the vendor is gone"])
    assert.match(String((err["stack"] as string[])[0]), /log\.test\.ts/)
    const [inner] = err["causes"] as Record<string, unknown>[]
    assert.deepEqual([inner!["code"], inner!["message"]], ["ECONNREFUSED", "connect ECONNREFUSED 10.0.0.5:443"])
    assert.doesNotMatch(JSON.stringify(err), /sk-|lighthouse/)
  })

  it("leaves out messages that are made of what came in", () => {
    const parsing = (text: string) => {
      try {
        return JSON.parse(text) as never
      } catch (error) {
        return error
      }
    }
    const ofPostgres = Object.assign(new Error(`invalid input syntax for type bigint: "${prompt}"`), {
      ...{ severity: "ERROR", code: "22P02", detail: `Key (x)=(${key})`, table: "images" },
    })
    const errors = [
      parsing(`{"prompt": ${prompt}`),
      new GatewayError({ code: "invalid_request", detail: `prompt must not be ${prompt}` }, new Error("why")),
      ofPostgres,
      z.object({ prompt: z.literal("x") }).safeParse({ prompt, [key]: 1 }).error,
      new TypeError(`Received '${prompt}' and ${key}`),
      new Error(`a multi\nline ${key}\n    at "${prompt}"`),
    ]
    for (const error of errors) assert.doesNotMatch(JSON.stringify(describeCause(error)), /lighthouse|sk-proj|4f9A/)
    assert.deepEqual(
      errors.slice(1, 3).map((error) => (describeCause(error) as { code?: string }).code),
      ["invalid_request", "22P02"],
    )
  })

  it("says of a vendor's answer its codes alone", () => {
    const answer = {
      ...{ status: 401, message: `Incorrect API key provided: ${key}`, type: key, prompt },
      body: { error: { code: "invalid_api_key", message: prompt, param: prompt, type: "invalid_request_error" } },
    }
    assert.deepEqual(describeCause(answer), { said: [401, "invalid_api_key", "invalid_request_error"] })
    for (const cause of [prompt, [prompt], undefined, null, key, 7])
      assert.deepEqual(describeCause(cause), { said: [] })
  })
})

describe("the message of an error", () => {
  const cases: [text: string, written: RegExp][] = [
    ["getaddrinfo ENOTFOUND api.openai.com", /^getaddrinfo ENOTFOUND api\.openai\.com$/],
    ["Cannot read properties of undefined (reading 'sealed')", /\(reading 'sealed'\)$/],
    [
      `no answer from https://u:${key}@api.example:8443/v1/x?token=${key}#y at all`,
      /^no answer from https:\/\/api\.example:8443\/… at all$/,
    ],
    [`POSTGRESQL://atelier:${key}@db/x`, /^POSTGRESQL:\/\/db\/…$/],
    [`the key "${prompt}" is not known`, /^the key … is not known$/],
    [`cannot use ${key}`, /^cannot use …$/],
    [`data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA`, /^data:image\/png;base64,…$/],
  ]
  for (const [text, written] of cases)
    it(`is told without secrets: ${text.slice(0, 40)}`, () => assert.match(withoutSecrets(text), written))

  it("has an end", () => assert.ok(withoutSecrets("far too long. ".repeat(100)).length <= 300))
})
