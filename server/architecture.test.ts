// The table of rooms, as a test: who may import whom, read from the source.
import assert from "node:assert/strict"
import { globSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { describe, it } from "node:test"

const root = import.meta.dirname
const everything = ["*"]

// A room may always import its own files. `app` is types only, of the edges and the catalogue.
const rooms: Record<string, string[]> = {
  main: everything,
  cli: everything,
  commands: everything,
  compose: everything,
  data: everything,
  routes: ["dialects", "http"],
  housekeeping: ["generations", "webhooks", "http", "app"],
  credits: ["catalogue", "database", "app", "errors", "ids", "egress"],
  app: [
    "accounts",
    "http",
    "catalogue",
    "config",
    "database",
    "derivatives",
    "egress",
    "intake",
    "log",
    "observe",
    "queue",
    "secrets",
    "storage",
  ],
  config: ["configValues", "nearest"],
  configValues: ["addresses"],
  addresses: [],
  errors: [],
  log: ["errors"],
  ids: [],
  nearest: [],
  observe: [],
  dialects: [
    "http",
    "generations",
    "images",
    "derivatives",
    "accounts",
    "credits",
    "catalogue",
    "app",
    "errors",
    "bodies",
    "nearest",
    "egress",
    "webhooks",
  ],
  http: ["accounts", "addresses", "database", "storage", "images", "app", "errors", "bodies", "ids", "nearest"],
  generations: [
    "accounts",
    "credits",
    "images",
    "catalogue",
    "providers",
    "queue",
    "storage",
    "database",
    "app",
    "errors",
    "ids",
    "egress",
    "webhooks",
  ],
  derivatives: ["children", "images", "storage", "database", "app", "errors", "bodies"],
  images: ["storage", "database", "app", "errors", "bodies", "ids"],
  // Above `images`, whose rules it keeps; reached through `app`, since what it does is done in another process.
  intake: ["children", "images", "bodies", "errors"],
  children: ["bodies", "errors"],
  webhooks: [
    "egress",
    "observe",
    "queue",
    "storage",
    "database",
    "app",
    "errors",
    "ids",
    "images",
    "accounts",
    "secrets",
  ],
  accounts: ["addresses", "database", "app", "errors", "ids", "egress", "nearest", "secrets"],
  secrets: ["database", "app", "errors"],
  catalogue: ["errors", "nearest"],
  providers: ["errors", "bodies", "egress"],
  sandbox: ["errors"],
  queue: ["database", "errors"],
  storage: ["bodies", "egress", "errors"],
  bodies: ["errors"],
  egress: ["addresses", "errors"],
  database: ["errors", "egress"],
}

// A line of this table may be imported for its types alone.
const typesOnly: Record<string, string[]> = {
  dialects: ["egress"],
  generations: ["egress"],
  accounts: ["egress"],
  credits: ["egress"],
  database: ["egress"],
  app: everything,
}

const roomOf = (path: string): string => relative(root, path).split("/")[0]!.replace(/\.ts$/, "")

type Import = { from: string; to: string; file: string; types: boolean }

function importsOf(file: string): Import[] {
  const source = readFileSync(file, "utf8")
  const found = [
    ...source.matchAll(/^(?:import|export)\s(type\s)?[^"]*?from\s"(\.[^"]+)"/gm),
    ...source.matchAll(/^import()\s"(\.[^"]+)"/gm),
  ]
  return found.map(([, type, path]) => {
    const target = join(dirname(file), path!)
    return {
      from: roomOf(file),
      to: roomOf(target),
      file: relative(root, file),
      types: type !== undefined && type !== "",
    }
  })
}

const files = globSync("**/*.ts", { cwd: root, exclude: ["node_modules/**"] }).map((name) => join(root, name))
const product = files.filter((file) => !/\.(test|contract)\.ts$/.test(file) && !/loopback\.ts$/.test(file))
const imports = product.flatMap(importsOf)

describe("architecture", () => {
  it("gives every file a room of the table", () => {
    for (const file of product) assert.ok(roomOf(file) in rooms, `${file} is in no room`)
    assert.ok(imports.length > 100, "the imports are being read")
  })

  it("lets each room import only the rooms below it", () => {
    const allowed = ({ from, to }: Import) => from === to || rooms[from]!.includes("*") || rooms[from]!.includes(to)
    assert.deepEqual(
      imports.filter((one) => !allowed(one)).map(({ file, to }) => `${file} imports ${to}`),
      [],
    )
  })

  it("lets some rooms be imported for their types alone", () => {
    const only = ({ from, to }: Import) =>
      from !== to && (typesOnly[from] === everything || typesOnly[from]?.includes(to))
    assert.deepEqual(
      imports.filter((one) => only(one) && !one.types).map(({ file, to }) => `${file} imports ${to}`),
      [],
    )
  })

  it("keeps the dialects apart from each other", () => {
    const crossing = product.flatMap((file) => {
      const [, dialect] = relative(root, file).split("/")
      if (roomOf(file) !== "dialects") return []
      const others = [...readFileSync(file, "utf8").matchAll(/from "\.\.\/(?!\.\.)(\w+)\//g)].map(([, other]) => other)
      return others.filter((other) => other !== dialect).map((other) => `${file} imports ${other}`)
    })
    assert.deepEqual(crossing, [])
  })

  it("lets only run.ts reach out of providers", () => {
    const reaching = imports.filter(
      ({ from, to, file }) => from === "providers" && to === "egress" && file !== "providers/run.ts",
    )
    assert.deepEqual(
      reaching.map(({ file }) => file),
      [],
    )
  })

  it("decodes and draws pictures in processes of their own", () => {
    const importing = (name: string) => {
      const found = product.filter((file) =>
        new RegExp(`^import (?!type).*from "${name}"`, "m").test(readFileSync(file, "utf8")),
      )
      return found.map((file) => relative(root, file)).filter((file) => !file.startsWith("sandbox/"))
    }
    assert.deepEqual(importing("sharp").sort(), ["derivatives/drawing.ts", "intake/decode.ts"])
    assert.deepEqual(importing("./decode.ts"), ["intake/program.ts"])
    assert.deepEqual(importing("./drawing.ts"), ["derivatives/drawProgram.ts"])
  })

  it("imports at run time only what most servers never need, and nothing by a computed name", () => {
    const dynamic = product.filter((file) => /\bimport\(/.test(readFileSync(file, "utf8")))
    // docs/decisions/0006
    assert.deepEqual(dynamic.map((file) => relative(root, file)).sort(), ["cli.ts", "compose.ts", "http/docs.ts"])
    // Lint does not see which names of a module of Node's are used after an import at run time.
    for (const file of dynamic) assert.doesNotMatch(readFileSync(file, "utf8"), /\bimport\((?!"(?:\.|@scalar\/))/)
  })
})
