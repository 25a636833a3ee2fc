// The doctor: what is well, what is ill and what to do about it.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { serveSandbox } from "./clients/sandbox.ts"
import type { ServedSandbox } from "./clients/sandbox.ts"
import { root, temporaryFolder } from "./harness.ts"

type Finding = { what: string; state: string; says: string; do?: string }

let sandbox: ServedSandbox
before(async () => {
  sandbox = await serveSandbox()
})
after(() => sandbox.end())

/** Runs it in an environment of its own and answers what it found, and with which code it ended. */
function examine(environment: Record<string, string>): Promise<{ code: number; findings: Finding[]; said: string }> {
  const env = { PATH: process.env["PATH"] ?? "", ATELIER_DATA: temporaryFolder(), ...environment }
  const { promise, resolve } = Promise.withResolvers<{ code: number; findings: Finding[]; said: string }>()
  execFile(process.execPath, [join(root, "server/cli.ts"), "doctor", "--json"], { env }, (error, stdout, stderr) => {
    const code = typeof error?.code === "number" ? error.code : 0
    resolve({ code, findings: stdout === "" ? [] : (JSON.parse(stdout) as Finding[]), said: stderr })
  })
  return promise
}

describe("atelier doctor", () => {
  it("finds a fresh installation well, and asks no vendor without a key", async () => {
    const { code, findings } = await examine({})
    assert.equal(code, 0)
    assert.deepEqual(
      findings.map(({ what, state }) => `${what}: ${state}`),
      ["plans: well", "storage: well", "database: well", "secrets: well"],
    )
  })

  it("tells keys that are taken from those that are not, and vendors that cannot be reached or asked", async () => {
    const { code, findings } = await examine({
      ...{ OPENAI_API_KEY: "any", OPENAI_BASE_URL: `${sandbox.url}/openai/v1` },
      ...{ GOOGLE_API_KEY: "any", GOOGLE_BASE_URL: `${sandbox.url}/google/v1beta` },
      ...{ STABILITY_API_KEY: "any", STABILITY_BASE_URL: `${sandbox.url}/stability` },
      ...{ BFL_API_KEY: "an-invalid-key", BFL_BASE_URL: `${sandbox.url}/bfl/v1` },
      ...{ AIHUBMIX_API_KEY: "any", AIHUBMIX_BASE_URL: "http://127.0.0.1:9/v1" },
      IDEOGRAM_API_KEY: "any",
    })
    assert.equal(code, 1)
    const states = Object.fromEntries(findings.map(({ what, state }) => [what, state]))
    assert.deepEqual(
      ["OpenAI", "Google Gemini API", "Stability AI", "Black Forest Labs", "AIHubMix", "Ideogram"].map(
        (what) => states[what],
      ),
      ["well", "well", "well", "ill", "ill", "unknown"],
    )
    assert.match(findings.find(({ what }) => what === "Black Forest Labs")?.do ?? "", /BFL_API_KEY/)
    assert.ok(!JSON.stringify(findings).includes("an-invalid-key"))
  })

  it("names a setting and a file of plans that are wrong", async () => {
    const wrong = await examine({ ATELIER_PORT: "eighty" })
    assert.deepEqual([wrong.code, wrong.findings], [1, []])
    assert.match(wrong.said, /ATELIER_PORT must be/)
    const plans = join(temporaryFolder(), "plans.json")
    writeFileSync(plans, JSON.stringify({ community: { title: "Ours", requests_per_hour: 0 } }))
    const { code, findings } = await examine({ ATELIER_PLANS: plans })
    assert.equal(code, 1)
    assert.match(findings[0]?.says ?? "", /community\.requests_per_hour/)
  })
})
