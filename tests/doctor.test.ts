// The doctor: what is well, what is ill and what to do about it.
import assert from "node:assert/strict"
import { execFile } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { serveSandbox } from "./clients/sandbox.ts"
import type { ServedSandbox } from "./clients/sandbox.ts"
import { atelierWith, root, temporaryFolder } from "./harness.ts"

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
      ["plans: well", "signing: well", "storage: well", "database: well", "secrets: well"],
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

  it("tries the keys that projects have brought, and says of secrets what the start would", async () => {
    const dataFolder = temporaryFolder()
    const environment = { OPENAI_BASE_URL: `${sandbox.url}/openai/v1`, BFL_BASE_URL: `${sandbox.url}/bfl/v1` }
    const set = (provider: string, input: string) =>
      atelierWith({ dataFolder, environment, input }, "vendor-keys", "set", provider, "--key-stdin")
    assert.match(await set("openai", "a-key-of-the-project-1234\n"), /…1234/)
    await set("bfl", "an-invalid-key-of-the-project")
    await assert.rejects(set("azure", "a-key-of-the-project-1234"), /AZURE_BASE_URL/)
    await assert.rejects(atelierWith({ dataFolder }, "vendor-keys", "set", "bfl"), /--key-stdin/)
    const { code, findings } = await examine({
      ...environment,
      ATELIER_DATA: dataFolder,
      STABILITY_API_KEY: "changeme",
    })
    assert.equal(code, 1)
    const told = Object.fromEntries(findings.map(({ what, state, do: advice }) => [what, [state, advice]]))
    assert.deepEqual(told["OpenAI (default)"], ["well", undefined])
    assert.deepEqual(told["Black Forest Labs (default)"], [
      "ill",
      "check the key of bfl that the project default has set",
    ])
    assert.equal(told["STABILITY_API_KEY"]?.[0], "ill")
    assert.doesNotMatch(JSON.stringify(findings), /of-the-project/)
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
