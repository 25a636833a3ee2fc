// What the documents for operators name is there: files, tests, settings and commands.
import assert from "node:assert/strict"
import { existsSync, globSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { describe, it } from "node:test"
import { settings } from "../server/config.ts"
import { root } from "./harness.ts"

const textOf = (path: string): string => readFileSync(join(root, path), "utf8")
const found = (text: string, pattern: RegExp): string[] => [...text.matchAll(pattern)].map(([, one]) => one!)

const security = textOf("SECURITY.md")
const [promises = "", others = ""] = security.split("## What is not promised")

/** The items of a list, each as a whole. */
const itemsOf = (text: string): string[] => found(text, /^- ([^]*?)(?=^- |^\s*$|$(?![^]))/gm)

describe("SECURITY.md", () => {
  it("names only files that are there", () => {
    const paths = found(security, /`((?:server|tests|docs|tools|bench)\/[\w./-]+)`/g)
    assert.ok(paths.length > 80, String(paths.length))
    for (const path of paths) assert.ok(existsSync(join(root, path)), path)
  })

  it("has a test beside every promise, in each of its sections", () => {
    const sections = promises.split(/^## \d\. /m).slice(1)
    assert.equal(sections.length, 8)
    for (const section of sections) {
      const items = itemsOf(section)
      assert.ok(items.length >= 4, section)
      for (const item of items) assert.match(item, /`(?:server|tests)\/[\w./-]+\.test\.ts`/, item)
    }
    assert.ok(itemsOf(others).length > 20)
  })
})

describe("the guide", () => {
  const pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", ...globSync("docs/guide/*.md", { cwd: root })]

  for (const page of pages)
    it(`${page}: links only to what is there`, () => {
      for (const link of found(textOf(page), /\]\(([^)#:]+)(?:#[^)]*)?\)/g))
        assert.ok(existsSync(join(root, dirname(page), link)), link)
    })

  it("names only settings that there are", () => {
    const known = Object.values(settings).map(({ name }) => name)
    for (const page of pages)
      for (const name of found(textOf(page), /\b(ATELIER_[A-Z0-9_]*[A-Z0-9])\b/g))
        assert.ok(known.includes(name), `${page}: ${name}`)
  })

  it("names only commands that there are", () => {
    const known = found(textOf("server/cli.ts"), /^ {2}"?([a-z-]+(?: [a-z-]+)?)"?: async \(\)/gm)
    assert.ok(known.includes("backup") && known.includes("secrets renew"))
    const isKnown = (typed: string) =>
      known.some((words) => typed === words || typed.startsWith(`${words} `) || words.startsWith(`${typed} `))
    for (const page of pages)
      for (const typed of found(textOf(page), /(?:atelier -- |`atelier )([a-z][a-z-]*(?: [a-z][a-z-]*)?)/g))
        assert.ok(isKnown(typed) || typed === "help", `${page}: atelier ${typed}`)
  })
})
