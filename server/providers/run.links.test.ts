// Where the key may go: below the base URL, or to a link on the vendor's own hosts, and nowhere else.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { bfl } from "./bfl.ts"
import { openai } from "./openai.ts"
import { callWith, respond } from "./run.contract.ts"

const pending = respond({ id: "1", status: "Pending" })

describe("the key", () => {
  for (const path of [
    "https://api.bfl.ai/v1/get_result?id=1",
    "https://api.us2.bfl.ai/v1/get_result?id=1&x=%2F..%2F",
    "https://api.bfl.ai:443/v1/get_result?id=1",
    "https://API.EU.BFL.AI/v1/get_result?id=1",
    "/get_result?id=1",
  ]) {
    it(`goes to ${path}`, async () => {
      const { answered, sent } = await callWith(bfl, pending, { request: { method: "GET", path } })
      assert.equal(answered.outcome.state, "pending")
      assert.equal(sent[0]?.url, path.startsWith("/") ? bfl.baseUrl + path : new URL(path).href)
      assert.equal(sent[0]?.headers["x-key"], "the-key-0123456789")
    })
  }

  for (const path of [
    "https://evil.example/x",
    "https://bfl.ai/v1/get_result?id=1",
    "https://evilbfl.ai/x",
    "https://api.bfl.ai.evil.example/x",
    "http://api.bfl.ai.evil.example/x",
    "http://api.bfl.ai/v1/get_result?id=1",
    "https://api.bfl.ai:8443/v1/get_result?id=1",
    "https://api.bfl.ai@evil.example/x",
    "https://user:word@api.bfl.ai/x",
    "https://user@api.bfl.ai/x",
    "https://evil.example/.bfl.ai",
    "https://evil.example#.bfl.ai",
    "https://evil.example?.bfl.ai",
    "https://evil.example\\.bfl.ai",
    "https://api.bfl.ai./x",
    "https://127.0.0.1/x",
    "https://[::1]/x",
    "ftp://api.bfl.ai/x",
    "file:///etc/passwd",
    "javascript:alert(1)//.bfl.ai",
    "data:,x",
    "not a link",
    "",
  ]) {
    it(`does not go to ${path}, nor does anything else`, async () => {
      const { answered, sent } = await callWith(bfl, pending, { request: { method: "GET", path } })
      assert.deepEqual(sent, [])
      // `ofTask`: looking again would find the same link.
      assert.deepEqual(answered.outcome, { state: "failed", failure: { code: "provider_error", ofTask: true } })
      assert.match(String(answered.cause), /outside of the vendor's hosts/)
    })
  }

  it("goes to the operator's own address, and to links there", async () => {
    const baseUrl = "http://127.0.0.1:8789/bfl/v1"
    for (const path of ["/get_result?id=1", "http://127.0.0.1:8789/bfl/v1/get_result?id=1"]) {
      const { sent } = await callWith(bfl, pending, { baseUrl, request: { method: "GET", path } })
      assert.equal(sent[0]?.url, "http://127.0.0.1:8789/bfl/v1/get_result?id=1")
    }
    for (const path of ["http://127.0.0.1:8790/x", "https://127.0.0.1:8789/x", "http://localhost:8789/x"]) {
      const { sent } = await callWith(bfl, pending, { baseUrl, request: { method: "GET", path } })
      assert.deepEqual(sent, [])
    }
  })

  it("follows no link of a vendor that gives none", async () => {
    for (const path of [
      "https://api.openai.com.evil.example/x",
      "https://files.openai.com/x",
      "https://api.bfl.ai/x",
    ]) {
      const { sent } = await callWith(openai, respond({}), { request: { method: "GET", path } })
      assert.deepEqual(sent, [])
    }
  })

  it("stays on the vendor's host, whatever a path looks like", async () => {
    for (const path of [
      "//evil.example/x",
      "/\\evil.example/x",
      "/../../x",
      "/@evil.example/",
      "/?https://evil.example",
    ]) {
      const { sent } = await callWith(bfl, pending, { request: { method: "GET", path } })
      assert.equal(new URL(sent[0]!.url).origin, "https://api.bfl.ai", path)
    }
  })
})
