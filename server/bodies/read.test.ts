import assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import { describe, it } from "node:test"
import fc from "fast-check"
import { BodyError } from "./draft.ts"
import type { Draft } from "./draft.ts"
import { readEvents, readJson } from "./read.ts"
import type { ReadOptions } from "./read.ts"

/** Drafts in memory, and what became of them. */
function memory() {
  const sealed: Buffer[] = []
  const open = { drafts: 0, forgotten: 0 }
  const options: ReadOptions<Buffer> = {
    isPicture: (key) => key === "b64_json" || key === "images",
    openDraft: async () => draft(),
    pictureMaxBytes: 1_000_000,
    picturesMax: 20,
    textMaxBytes: 100_000,
    depthMax: 32,
    forget: async () => void open.forgotten++,
  }
  function draft(): Draft<Buffer> {
    const parts: Buffer[] = []
    open.drafts++
    return {
      // The bytes are copied late, to see that a buffer is not reused before the promise resolves.
      write: async (bytes) => {
        await undefined
        parts.push(Buffer.from(bytes))
      },
      seal: async () => {
        open.drafts--
        const all = Buffer.concat(parts)
        sealed.push(all)
        return all
      },
      discard: async () => void open.drafts--,
    }
  }
  return { options, open, sealed }
}

async function* cutInto(body: Buffer, sizes: number[]): AsyncGenerator<Buffer> {
  for (let at = 0, turn = 0; at < body.length; turn++) {
    const size = sizes[turn % sizes.length]!
    yield Buffer.from(body.subarray(at, at + size))
    at += size
  }
}

const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 })
const picture = fc.uint8Array({ maxLength: 900, minLength: 1 }).map((bytes) => Buffer.from(bytes))

type Spelling = { slashes: boolean; dataUrl: boolean; unicode: boolean; padded: boolean }
const spelling = fc.record({
  slashes: fc.boolean(),
  dataUrl: fc.boolean(),
  unicode: fc.boolean(),
  padded: fc.boolean(),
})

function spell(bytes: Buffer, how: Spelling): string {
  let text = bytes.toString("base64")
  if (!how.padded) text = text.replace(/=+$/, "")
  if (how.dataUrl) text = `data:image/png;base64,${text}`
  let json = JSON.stringify(text)
  if (how.slashes) json = json.replaceAll("/", "\\/")
  if (how.unicode) json = json.replaceAll("+", "\\u002b").replaceAll("=", "\\u003D")
  return json
}

describe("readJson", () => {
  it("finds every picture and leaves the rest as it was, wherever the chunks are cut", async () => {
    const item = fc.record({ bytes: picture, how: spelling, first: fc.boolean() })
    await fc.assert(
      fc.asyncProperty(fc.array(item, { maxLength: 4 }), fc.jsonValue(), fc.string({ unit: "binary" }), cuts, check),
      { numRuns: 300 },
    )
    async function check(
      items: { bytes: Buffer; how: Spelling; first: boolean }[],
      rest: unknown,
      text: string,
      sizes: number[],
    ) {
      fc.pre(text !== "__proto__")
      const { options, sealed } = memory()
      const written = items.map(({ bytes, how, first }) => {
        const fields = [`"b64_json":${spell(bytes, how)}`, `"note":${JSON.stringify(text)}`]
        return `{${(first ? fields : fields.reverse()).join(" , ")}}`
      })
      const other = JSON.stringify(rest)
        .replaceAll("b64_json", "x")
        .replaceAll("images", "x")
        .replaceAll("__proto__", "x")
      const body = `{"rest":${other},"data":[${written.join(",")}],${JSON.stringify(text)}:1}`
      const read = await readJson(cutInto(Buffer.from(body), sizes), options)
      assert.deepEqual(
        sealed,
        items.map((one) => one.bytes),
      )
      const expected = items.map((_, index) => ({ b64_json: `picture:${index}`, note: text }))
      const value = read.value as { data: unknown; rest: unknown }
      assert.deepEqual(value.data, expected)
      assert.deepEqual(value.rest, JSON.parse(other))
    }
  })

  it("takes pictures in arrays, and passes empty strings and null by", async () => {
    const { options, sealed } = memory()
    const body = Buffer.from(`{"images":["QUJD","",null,"REVG"],"b64_json":null}`)
    const { value } = await readJson(cutInto(body, [3]), options)
    assert.deepEqual(value, { images: ["picture:0", "", null, "picture:1"], b64_json: null })
    assert.deepEqual(sealed.map(String), ["ABC", "DEF"])
  })

  it("decodes a picture of megabytes in chunks of a socket's size", async () => {
    const { options, sealed } = memory()
    const bytes = randomBytes(900_001)
    await readJson(cutInto(Buffer.from(JSON.stringify({ b64_json: bytes.toString("base64") })), [65_536]), options)
    assert.ok(sealed[0]?.equals(bytes))
  })

  it("refuses every body that is cut off, and leaves nothing behind", async () => {
    const body = Buffer.from(`{"data":[{"b64_json":"${randomBytes(300).toString("base64")}"}],"usage":{"n":1}}`)
    for (let length = 0; length < body.length; length++) {
      const { options, open, sealed } = memory()
      await assert.rejects(readJson(cutInto(body.subarray(0, length), [7, 64]), options), BodyError)
      assert.equal(open.drafts, 0)
      assert.equal(open.forgotten, sealed.length)
    }
  })

  it("refuses base64 with a wrong character, length or padding at any place", async () => {
    const good = randomBytes(300).toString("base64")
    const wrongs = ["*", "=", " ", "é", "\\n\\\\", "\\u00e9"]
    for (let at = 0; at < good.length - 2; at += 13) {
      for (const wrong of wrongs) {
        const { options, open } = memory()
        const body = Buffer.from(`{"b64_json":"${good.slice(0, at)}${wrong}${good.slice(at + 1)}"}`)
        await assert.rejects(readJson(cutInto(body, [5, 31]), options), BodyError, `${wrong} at ${at}`)
        assert.equal(open.drafts, 0)
      }
    }
    for (const short of ["A", "AAAAA", "AA=A", "A===", "====", "AAAA=", "AA==="]) {
      await assert.rejects(readJson(cutInto(Buffer.from(`{"b64_json":"${short}"}`), [64]), memory().options), BodyError)
    }
  })

  it("keeps its limits: picture, text, depth, number", async () => {
    const { options } = memory()
    const small = { ...options, pictureMaxBytes: 30, textMaxBytes: 300, depthMax: 3, picturesMax: 2 }
    const tooLarge = [
      `{"b64_json":"${"QUJD".repeat(11)}"}`,
      `{"note":"${"x".repeat(400)}"}`,
      `{"images":["QUJD","QUJD","QUJD"]}`,
    ]
    for (const body of tooLarge)
      await assert.rejects(readJson(cutInto(Buffer.from(body), [16]), small), { reason: "too_large" })
    await assert.rejects(readJson(cutInto(Buffer.from(`[[[[1]]]]`), [16]), small), { reason: "broken" })
  })

  it("refuses a key that JavaScript would drop, however it is spelled, and takes it as a value", async () => {
    for (const key of ["__proto__", "__pro\\u0074o__"]) {
      const body = Buffer.from(`{"input":{"${key}":{"a":1}}}`)
      await assert.rejects(readJson(cutInto(body, [3]), memory().options), BodyError)
    }
    const { value } = await readJson(cutInto(Buffer.from(`{"note":"__proto__"}`), [3]), memory().options)
    assert.deepEqual(value, { note: "__proto__" })
  })

  it("refuses what is not JSON", async () => {
    for (const body of ["", "<html></html>", `{"a":1}}`, `{"a" 1}`, "[1,]", `{"b64_json":"QUJD"`])
      await assert.rejects(readJson(cutInto(Buffer.from(body), [4]), memory().options), BodyError, body)
  })
})

describe("readEvents", () => {
  it("reads events with pictures, wherever the chunks and whatever the line ends are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(picture, { maxLength: 4 }),
        cuts,
        fc.constantFrom("\n", "\r\n"),
        async (all, sizes, end) => {
          const { options, sealed } = memory()
          const lines = all.flatMap((bytes, index) => [
            `event: step.${index}`,
            ": a comment",
            `data: {"b64_json":"${bytes.toString("base64")}","index":${index}}`,
            "",
          ])
          const body = [...lines, "data: [DONE]", "", ""].join(end)
          const events = []
          for await (const { event, value } of readEvents(cutInto(Buffer.from(body), sizes), options))
            events.push({ event, value })
          assert.deepEqual(
            events,
            all.map((_, index) => ({ event: `step.${index}`, value: { b64_json: "picture:0", index } })),
          )
          assert.deepEqual(sealed, all)
        },
      ),
    )
  })

  it("refuses a stream that ends inside an event", async () => {
    const { options, open } = memory()
    const body = Buffer.from(`event: x\ndata: {"b64_json":"QUJDREVG`)
    await assert.rejects(async () => {
      for await (const _ of readEvents(cutInto(body, [9]), options)) assert.fail("no event was complete")
    }, BodyError)
    assert.equal(open.drafts, 0)
  })
})
