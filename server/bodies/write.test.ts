import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { base64Of, formBody, jsonBody } from "./write.ts"
import type { FormPart, Stored, WrittenBody } from "./write.ts"

/** Bytes kept in pieces, all of which come in one buffer that is used again and again, as storage reads them. */
function stored(bytes: Buffer, sizes: number[]): Stored {
  const spare = Buffer.alloc(64)
  async function* read() {
    for (let at = 0, turn = 0; at < bytes.length; turn++) {
      const count = Math.min(sizes[turn % sizes.length]!, bytes.length - at)
      bytes.copy(spare, 0, at, at + count)
      yield spare.subarray(0, count)
      spare.fill(0xee, 0, count)
      at += count
    }
  }
  return { bytes: bytes.length, read }
}

/** Like a connection that is slower than the reader: pieces wait while the next ones are made. */
async function written({ chunks }: WrittenBody): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks()) parts.push(Buffer.from(chunk))
  return Buffer.concat(parts)
}

const bytes = fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all))
const sizes = fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 5 })
const text = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string(),
  fc.constantFrom('"', "\\", "\r\n--", '{"prefix":"x"}', "picture:0", "00000000-0000-4000-8000-000000000000", "\ud800"),
)

describe("jsonBody", () => {
  const picture = fc.record({ bytes, sizes, prefix: fc.constantFrom("", "data:image/png;base64,") })

  it("writes each picture in its place, in as many bytes as it says, however they are kept", async () => {
    const property = fc.asyncProperty(
      fc.array(picture, { maxLength: 4 }),
      fc.jsonValue(),
      text,
      async (all, rest, note) => {
        const place = (show: (one: (typeof all)[number]) => unknown) => ({
          ...{ rest, note, [note]: 1, first: all[0] ? show(all[0]) : null },
          images: all.map((one) => [note, { url: show(one) }]),
        })
        const body = jsonBody(place((one) => base64Of(stored(one.bytes, one.sizes), one.prefix)))
        const sent = await written(body)
        assert.equal(sent.length, body.length)
        assert.equal(body.type, "application/json")
        const expected = place((one) => one.prefix + one.bytes.toString("base64"))
        assert.deepEqual(JSON.parse(sent.toString()), JSON.parse(JSON.stringify(expected)))
        assert.equal(body.streams, all.length > 0)
        if (!body.streams) assert.equal(body.text, sent.toString())
      },
    )
    await fc.assert(property, { numRuns: 300 })
  })

  it("takes no text for the place of a picture, not even one that was a place before", async () => {
    const seen: string[] = []
    const replacer = JSON.stringify
    const kept = stored(Buffer.from("ABC"), [1])
    try {
      // The place is random; it can be seen only on its way through JSON.stringify.
      JSON.stringify = ((...given: Parameters<typeof replacer>) => {
        const made = replacer(...given)
        seen.push(...(made?.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) ?? []))
        return made
      }) as typeof JSON.stringify
      await written(jsonBody({ a: base64Of(kept) }))
    } finally {
      JSON.stringify = replacer
    }
    assert.equal(seen.length, 1)
    const sent = await written(jsonBody({ prompt: `draw ${seen[0]}`, a: base64Of(kept), [seen[0]!]: true }))
    assert.deepEqual(JSON.parse(sent.toString()), { prompt: `draw ${seen[0]}`, a: "QUJD", [seen[0]!]: true })
  })

  it("takes no object of a caller for a picture", async () => {
    const lookalike = { prefix: "data:", bytes: 3, read: "x", "Symbol(picture in JSON)": 1 }
    assert.deepEqual(JSON.parse((await written(jsonBody({ lookalike }))).toString()), { lookalike })
  })

  it("can be sent twice, as for a second attempt", async () => {
    const body = jsonBody({ image: base64Of(stored(Buffer.from("a picture"), [2, 5])) })
    assert.deepEqual(await written(body), await written(body))
  })

  it("leaves out what is undefined", async () => {
    assert.equal((await written(jsonBody({ a: undefined, b: 1 }))).toString(), '{"b":1}')
  })
})

describe("formBody", () => {
  const value = fc.record({ name: text, value: text })
  const file = fc.record({ name: text, fileName: text, type: fc.constantFrom("image/png", "image/webp"), bytes, sizes })

  const readBack = async (body: WrittenBody) =>
    new Response(await written(body), { headers: { "content-type": body.type } }).formData()

  // A form cannot hold half of a character, nor a name with these three as they are.
  const whole = (some: string) => some.toWellFormed()
  const inHead = (name: string) => whole(name).replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A")
  // Parsers undo the writing of these three in names.
  const plain = (name: string) => name.replaceAll("%22", '"').replaceAll("%0D", "\r").replaceAll("%0A", "\n")

  it("is read back as it was given, in as many bytes as it says", async () => {
    const property = fc.asyncProperty(
      fc.array(value, { maxLength: 4 }),
      fc.array(file, { maxLength: 3 }),
      async (values, files) => {
        const parts: FormPart[] = [
          ...values,
          ...files.map(({ name, fileName, type, ...kept }) => ({
            name,
            fileName,
            type,
            file: stored(kept.bytes, kept.sizes),
          })),
        ]
        const body = formBody(parts)
        const sent = await written(body)
        assert.equal(sent.length, body.length)
        const heads = sent.toString("latin1").split(body.type.split("boundary=")[1]!)
        assert.equal(heads.length, parts.length + 2, "one part each, and the end")
        const found = await Promise.all(
          [...(await readBack(body))].map(async ([name, part]) => [
            plain(name),
            typeof part === "string"
              ? part
              : [plain(part.name), part.type, Buffer.from(await part.arrayBuffer()).toString("hex")],
          ]),
        )
        assert.deepEqual(found, [
          ...values.map((one) => [plain(inHead(one.name)), whole(one.value)]),
          ...files.map((one) => [
            plain(inHead(one.name)),
            [plain(inHead(one.fileName)), one.type, one.bytes.toString("hex")],
          ]),
        ])
      },
    )
    await fc.assert(property, { numRuns: 300 })
  })

  it("lets no name write a header or a part of its own", async () => {
    const evil = 'a"; filename="x"\r\nX-Evil: 1\r\n\r\nbody'
    for (const part of [
      { name: evil, value: "1" },
      { name: "image", fileName: evil, type: "image/png", file: stored(Buffer.from("ABC"), [3]) },
    ]) {
      const sent = (await written(formBody([part]))).toString()
      const [head] = sent.split("\r\n\r\n")
      assert.equal(head!.split("\r\n").length, "file" in part ? 3 : 2)
      assert.ok(sent.includes("a%22; filename=%22x%22%0D%0AX-Evil: 1%0D%0A%0D%0Abody"))
    }
  })

  it("has a boundary of its own each time, which no value can know", () => {
    const types = Array.from({ length: 50 }, () => formBody([{ name: "a", value: "b" }]).type)
    assert.equal(new Set(types).size, 50)
    for (const type of types) assert.match(type, /^multipart\/form-data; boundary=[\w-]{20,70}$/)
  })

  it("is a form without parts where there are none", async () => {
    assert.deepEqual([...(await readBack(formBody([])))], [])
  })
})
