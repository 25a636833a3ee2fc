import assert from "node:assert/strict"
import { isAbsolute, resolve } from "node:path"
import { describe, it } from "node:test"
import { baseUrlNameOf, keyNameOf, readConfig, settings } from "./config.ts"

const vendors = [
  { id: "openai", title: "OpenAI", baseUrl: "https://api.openai.com/v1" },
  { id: "bfl", title: "Black Forest Labs", baseUrl: "https://api.bfl.ai/v1" },
]

const read = (environment: Record<string, string | undefined> = {}) => readConfig(environment, vendors)

/** Each line of what is said to be wrong. */
function problems(environment: Record<string, string | undefined>): string[] {
  try {
    read(environment)
  } catch (error) {
    const [head, ...lines] = (error as Error).message.split("\n")
    assert.equal(head, "The configuration is not valid:")
    return lines.map((line) => line.trim())
  }
  return []
}

describe("the settings", () => {
  it("have a name with the prefix, a meaning, and a fallback that is taken", () => {
    const names = Object.values(settings).map(({ name }) => name)
    assert.equal(new Set(names).size, names.length)
    for (const { name, about, fallback, schema } of Object.values(settings)) {
      // OpenTelemetry's own name is what its users know.
      assert.match(name, /^(?:ATELIER_[A-Z]+[0-9]?[A-Z]*(_[A-Z]+)*|OTEL_EXPORTER_OTLP_ENDPOINT)$/)
      assert.match(about, /^\S.*\.$/)
      assert.ok(schema.safeParse(fallback).success, name)
    }
  })

  it("need not be given", () => {
    const config = read()
    assert.equal(config.port, 8787)
    assert.equal(config.host, "127.0.0.1")
    assert.equal(config.publicUrl, "")
    assert.deepEqual(config.egressAllow, [])
    assert.deepEqual(config.egressPorts, [80, 443, 8080, 8443])
    assert.ok(isAbsolute(config.dataFolder))
    for (const { key } of Object.values(config.vendors)) assert.equal(key, undefined)
  })

  it("are read from their names", () => {
    const config = read({
      ATELIER_PORT: "0",
      ATELIER_DATA: "some/where",
      ATELIER_PUBLIC_URL: "https://pictures.example",
      ATELIER_EGRESS_ALLOW: "10.1.0.0/16, fd00::/8,192.168.0.1/32",
      ATELIER_EGRESS_PORTS: "443, 9000",
      ATELIER_COMPATIBLE_MODELS: "sdxl@0.002, flux-dev = black-forest-labs/FLUX.1-dev,openai/gpt-image-2=mine:v2@1",
      ATELIER_SANDBOX_PACE: "none",
      ATELIER_PICTURE_MAX_MB: "1024",
    })
    assert.equal(config.port, 0)
    assert.equal(config.dataFolder, resolve("some/where"))
    assert.equal(config.publicUrl, "https://pictures.example")
    assert.deepEqual(config.egressAllow, ["10.1.0.0/16", "fd00::/8", "192.168.0.1/32"])
    assert.deepEqual(config.egressPorts, [443, 9000])
    assert.deepEqual(config.compatibleModels, [
      { name: "sdxl", model: "sdxl", price: 0.002 },
      { name: "flux-dev", model: "black-forest-labs/FLUX.1-dev" },
      { name: "openai/gpt-image-2", model: "mine:v2", price: 1 },
    ])
    assert.equal(config.sandboxPace, "none")
    assert.equal(config.pictureMaxMb, 1024)
  })
})

describe("a wrong setting", () => {
  const wrong: [string, string[], RegExp][] = [
    ["ATELIER_PORT", ["65536", "-1", "8787.5", "http", "", " 80", "0x50", "1e3"], /a whole number from 0 to 65535/],
    ["ATELIER_HOST", [""], /./],
    ["ATELIER_PLANS", ["plans.yaml", "plans"], /\.json/],
    ["ATELIER_C2PA_CERT", ["chain", "chain.p12"], /\.pem or \.crt/],
    ["ATELIER_C2PA_KEY", ["-----BEGIN PRIVATE KEY-----", "signer.p12"], /\.pem or \.key/],
    ["ATELIER_UNMARKED", ["no", ""], /allow.*refuse/],
    ["ATELIER_DATA", [""], /./],
    ["ATELIER_PUBLIC_URL", ["pictures.example", "ftp://pictures.example", "//x", "javascript:alert(1)"], /./],
    ["ATELIER_LINK_HOURS", ["0", "8761", "a day"], /a whole number from 1 to 8760/],
    ["ATELIER_CONCURRENCY", ["0", "10001"], /a whole number from 1 to 10000/],
    ["ATELIER_PICTURE_MAX_MB", ["0", "1025"], /a whole number from 1 to 1024/],
    ["ATELIER_UPLOAD_MAX_MB", ["0", "1025"], /a whole number from 1 to 1024/],
    ["ATELIER_BODY_MAX_MB", ["0", "4097"], /a whole number from 1 to 4096/],
    ["ATELIER_EGRESS_ALLOW", ["10.0.0.1", "all", "10.0.0.0/8;fd00::/8"], /ranges like 10\.1\.0\.0\/16/],
    [
      "ATELIER_TRUSTED_PROXIES",
      ["all", "10.0.0.1, proxy", "10/8", "::1/129", "true", "1"],
      /10\.1\.0\.7 or 10\.1\.0\.0\/16/,
    ],
    ["ATELIER_EGRESS_PORTS", ["", "0", "65536", "443,", "443 80", "80-90", "https", "0x50"], /ports/],
    ["ATELIER_COMPATIBLE_MODELS", ["a b", "sdxl, =x", "sdxl@free", "sdxl="], /names with commas.*, not [^,]+$/],
    ["ATELIER_SANDBOX_PACE", ["slow", ""], /human.*none/],
    ["ATELIER_LOG_LEVEL", ["loud"], /debug.*silent/],
    ["ATELIER_MASTER_KEY", ["changeme", "0".repeat(63), `${"A".repeat(43)}, x`], /32 bytes in hex or base64/],
    ["ATELIER_MASTER_KEY_FILE", ["key", "./key"], /whole path/],
  ]
  for (const [name, values, allowed] of wrong) {
    it(`${name} is named, with what it may be`, () => {
      for (const value of values) {
        const [line, ...more] = problems({ [name]: value })
        assert.ok(line?.startsWith(`${name} must be `), `${value}: ${line}`)
        assert.match(line ?? "", allowed)
        assert.deepEqual(more, [])
      }
    })
  }

  it("is found out whatever the setting", () => {
    for (const { name } of Object.values(settings)) {
      const found = ["", "certain nonsense"].flatMap((value) => problems({ [name]: value }))
      assert.ok(found.length > 0, `${name} takes anything`)
      for (const line of found) assert.ok(line.startsWith(`${name} must be `), line)
    }
  })

  it("comes with all the others at once", () => {
    const lines = problems({
      ATELIER_PORT: "x",
      ATELIER_LOG_LEVEL: "x",
      ATELIER_PROT: "1",
      OPENAI_BASE_URL: "api.openai.com",
      BFL_BASE_URL: "ftp://api.bfl.ai",
    })
    const names = lines.map((line) => line.split(" ")[0])
    const expected = ["ATELIER_PROT", "ATELIER_PORT", "ATELIER_LOG_LEVEL", "OPENAI_BASE_URL", "BFL_BASE_URL"]
    assert.deepEqual(names.sort(), expected.sort())
  })

  it("never shows a key", () => {
    const [key, port] = ["sk-secret-0123456789", "sk-secret-in-the-wrong-place"]
    const lines = problems({ OPENAI_API_KEY: key, ATELIER_PORT: port, ATELIER_MASTER_KEY: "my-secret" })
    assert.equal(lines.length, 2)
    assert.ok(!lines.join().includes("secret"))
  })
})

describe("an unknown name with the prefix", () => {
  it("is refused with the nearest name that is known", () => {
    for (const { name } of Object.values(settings).filter(({ name }) => name.startsWith("ATELIER_"))) {
      const typo = name.slice(0, -2) + name.slice(-1)
      assert.deepEqual(problems({ [typo]: "1" }), [`${typo} is not a setting; did you mean ${name}?`])
    }
  })

  it("is refused without a hint where none is near", () => {
    const name = "ATELIER_SOMETHING_ELSE_ALTOGETHER"
    assert.deepEqual(problems({ [name]: "1" }), [`${name} is not a setting`])
  })

  it("is no concern where tests read it, or where the prefix is another", () => {
    assert.deepEqual(problems({ ATELIER_VENDOR_SPECS: "x", PORT: "x", HOME: "/", atelier_port: "x" }), [])
  })
})

describe("the address of a PostgreSQL", () => {
  it("is taken in both spellings, with a socket's folder as well", () => {
    for (const url of [
      "postgres://u:p@db.example:5432/atelier",
      "postgresql://db.example/atelier?sslmode=require",
      "postgresql://u@/atelier?host=%2Frun%2Fpostgresql",
    ])
      assert.equal(read({ ATELIER_DATABASE_URL: url }).databaseUrl, url)
  })

  it("is not repeated where it is refused", () => {
    for (const url of [
      "mysql://u:verysecret@h/x",
      "u:verysecret@h/x",
      "postgres://u:very secret@h/x",
      "postgres://u:verysecret@h:x/x",
    ]) {
      const [problem, ...others] = problems({ ATELIER_DATABASE_URL: url })
      assert.match(problem!, /^ATELIER_DATABASE_URL must be a postgres:\/\/ or postgresql:\/\/ address/)
      assert.deepEqual([others, problem!.match(/secret/)], [[], null])
    }
  })
})

describe("a vendor", () => {
  const baseUrlOf = (given: string | undefined) => read({ OPENAI_BASE_URL: given }).vendors["openai"]?.baseUrl

  it("is reached by its own address and a key from the environment, without spaces around it", () => {
    const { vendors: found } = read({ OPENAI_API_KEY: " sk-abc\n", BFL_API_KEY: "  " })
    assert.deepEqual(found, {
      openai: { key: "sk-abc", baseUrl: "https://api.openai.com/v1", hasAddress: true, needs: "OPENAI_API_KEY" },
      bfl: { key: undefined, baseUrl: "https://api.bfl.ai/v1", hasAddress: true, needs: "BFL_API_KEY" },
    })
    assert.deepEqual([keyNameOf("bfl"), baseUrlNameOf("bfl")], ["BFL_API_KEY", "BFL_BASE_URL"])
  })

  it("may be reached by another address, with or without the path and a slash at its end", () => {
    assert.equal(baseUrlOf(undefined), "https://api.openai.com/v1")
    assert.equal(baseUrlOf(""), "https://api.openai.com/v1")
    const table: Record<string, string> = {
      "http://127.0.0.1:8789": "http://127.0.0.1:8789/v1",
      "http://127.0.0.1:8789/": "http://127.0.0.1:8789/v1",
      "http://127.0.0.1:8789/openai/v1": "http://127.0.0.1:8789/openai/v1",
      "http://127.0.0.1:8789/openai/v1/": "http://127.0.0.1:8789/openai/v1",
      "https://PROXY.example:443/v1///": "https://proxy.example/v1",
      "https://proxy.example/v2": "https://proxy.example/v2",
    }
    for (const [given, expected] of Object.entries(table)) assert.equal(baseUrlOf(given), expected)
  })

  it("is refused an address that is none of the web's", () => {
    for (const given of ["api.openai.com", "ftp://api.openai.com", "localhost:8789", "/v1", " "])
      assert.deepEqual(problems({ OPENAI_BASE_URL: given }), [
        "OPENAI_BASE_URL must be an http or https address without user, query or fragment",
      ])
  })
})
