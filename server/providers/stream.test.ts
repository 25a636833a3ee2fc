// Gathering a stream: whatever comes on the way, in whatever order, and however it ends.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { bfl } from "./bfl.ts"
import type { Outcome, Provider, StreamStep, VendorFailure } from "./provider.ts"
import { gatherStream } from "./stream.ts"
import type { StreamEvent } from "./stream.ts"

type Sealed = { text: string }
type Event = StreamEvent<Sealed>

/** A vendor whose events are the steps themselves. */
const provider: Provider = { ...bfl, readEvent: (_, data) => data as StreamStep | undefined }

/** An event that means this, with pictures in it. */
const event = (value: StreamStep | undefined, ...texts: string[]): Event => ({
  event: "message",
  value,
  pictures: texts.map((text) => ({ key: "b64_json", sealed: { text } })),
})

const picture = (text: string) => event({ picture: { mark: "picture:0", notes: { seed: text.length } } }, text)
const link = (url: string) => event({ picture: { url } })
const partial = (index: number, text: string) => event({ partial: { mark: "picture:0", index } }, text)
const missing = (failure: VendorFailure) => event({ missing: failure })
const end = (outcome: Outcome, ...texts: string[]) => event({ outcome }, ...texts)

const refused: VendorFailure = { code: "content_refused", refused: "picture" }
const fault: VendorFailure = { code: "provider_error", untouched: true }
const brokenOff = { code: "provider_error", detail: "The vendor's answer was broken off or damaged." } as const
const endedEarly = { code: "provider_error", detail: "The vendor's stream ended without a picture." } as const
const bill = { usage: { input_tokens: 0, output_tokens: 7, total_tokens: 7 } }

/** A fault of this house, such as a full disk. */
const ours = new Error("no space left on device")

/** Gathers the events, and then meets the error if there is one. */
async function gather(events: Event[], { error, from = provider }: { error?: Error; from?: Provider } = {}) {
  const forgotten: string[] = []
  const partials: [number, string][] = []
  let isClosed = false
  async function* source() {
    try {
      yield* events
      if (error) throw error
    } finally {
      isClosed = true
    }
  }
  const gathered = await gatherStream(source(), {
    provider: from,
    onPartial: async (index, { text }) => void partials.push([index, text]),
    forget: async ({ text }) => void forgotten.push(text),
    isTheirs: (thrown) => thrown !== ours,
  })
  assert.ok(isClosed, "the stream was left open")
  const kept = [...gathered.pictures].map(([mark, { text }]) => [mark, text])
  return { ...gathered, kept, forgotten, partials }
}

const marks = (...texts: string[]) =>
  texts.map((text, index) => ({ mark: `stream:${index}`, notes: { seed: text.length } }))

describe("whole pictures of a stream", () => {
  it("are kept under marks of their own, in the order in which they came, with what was told of each", async () => {
    const { outcome, kept, forgotten } = await gather([
      ...[picture("spring"), picture("summer!"), link("https://x.example/3.png"), picture("winter")],
      end({ state: "done", pictures: [], bill }),
    ])
    const [spring, summer, winter] = marks("spring", "summer!", "winter")
    const pictures = [spring, summer, { url: "https://x.example/3.png" }, winter]
    assert.deepEqual(outcome, { state: "done", pictures, bill })
    assert.deepEqual(kept, [
      ["stream:0", "spring"],
      ["stream:1", "summer!"],
      ["stream:2", "winter"],
    ])
    assert.deepEqual(forgotten, [])
  })

  it("are put in order where the vendor numbers them", async () => {
    const numbered = (index: number, text: string) => event({ picture: { mark: "picture:0" }, index }, text)
    const { outcome, kept } = await gather([
      ...[numbered(2, "autumn"), numbered(0, "spring"), numbered(1, "summer!")],
      end({ state: "done", pictures: [] }),
    ])
    const texts = new Map(kept as [string, string][])
    assert.ok(outcome.state === "done")
    const inOrder = outcome.pictures.map((one) => texts.get((one as { mark: string }).mark))
    assert.deepEqual(inOrder, ["spring", "summer!", "autumn"])
  })

  it("come before those that the last word brings", async () => {
    const last = { state: "done", pictures: [{ mark: "picture:0" }, { mark: "picture:1" }] } as const
    const { outcome, kept } = await gather([
      picture("spring"),
      end({ ...last, pictures: [...last.pictures] }, "a", "b"),
    ])
    const pictures = [...marks("spring"), { mark: "picture:0" }, { mark: "picture:1" }]
    assert.deepEqual(outcome, { state: "done", pictures })
    assert.deepEqual(kept, [
      ["stream:0", "spring"],
      ["picture:0", "a"],
      ["picture:1", "b"],
    ])
  })

  it("are no early states, which are handed on and not kept", async () => {
    const { outcome, kept, partials } = await gather([
      ...[partial(0, "dim"), partial(1, "clearer"), picture("clear")],
      end({ state: "done", pictures: [] }),
    ])
    assert.deepEqual(outcome, { state: "done", pictures: marks("clear") })
    assert.deepEqual(partials, [
      [0, "dim"],
      [1, "clearer"],
    ])
    assert.deepEqual(kept, [["stream:0", "clear"]])
  })

  it("are all that is kept of an event: what nobody was told of is forgotten", async () => {
    const { kept, forgotten } = await gather([
      event(undefined, "lost"),
      event({ picture: { mark: "picture:1" } }, "beside", "spring"),
      event({ picture: { url: "https://x.example/2.png" } }, "beside a link"),
      event({ missing: refused }, "refused"),
      end({ state: "done", pictures: [] }),
    ])
    assert.deepEqual(kept, [["stream:0", "spring"]])
    assert.deepEqual(forgotten, ["lost", "beside", "beside a link", "refused"])
  })
})

describe("pictures that do not come", () => {
  it("are listed in their order, before what the last word says of them", async () => {
    const last: Outcome = { state: "done", pictures: [], missing: [{ code: "provider_busy" }], bill }
    const events = [missing(refused), picture("spring"), missing(fault), end(last)]
    const { outcome } = await gather(events)
    const all = [refused, fault, { code: "provider_busy" }]
    assert.deepEqual(outcome, { state: "done", pictures: marks("spring"), missing: all, bill })
  })

  it("fail the whole with the first reason where no other came, and keep what it cost", async () => {
    const events = [missing(refused), missing(fault), end({ state: "done", pictures: [], bill })]
    assert.deepEqual((await gather(events)).outcome, { state: "failed", failure: refused, bill })
  })

  it("leave it to the reader of an answer to judge an end without any reason", async () => {
    const { outcome } = await gather([end({ state: "done", pictures: [] })])
    assert.deepEqual(outcome, { state: "done", pictures: [] })
  })
})

describe("a failure at the end of a stream", () => {
  it("is one picture missing where others have come", async () => {
    const { outcome, kept } = await gather([picture("spring"), end({ state: "failed", failure: fault, bill })])
    assert.deepEqual(outcome, { state: "done", pictures: marks("spring"), missing: [fault], bill })
    assert.deepEqual(kept, [["stream:0", "spring"]])
  })

  it("is the failure of the whole where none has", async () => {
    const failed: Outcome = { state: "failed", failure: fault, bill }
    assert.deepEqual((await gather([partial(0, "dim"), end(failed)])).outcome, failed)
  })

  it("ends it: nothing after the last word is read", async () => {
    const { outcome, kept } = await gather([picture("spring"), end({ state: "done", pictures: [] }), picture("late")])
    assert.deepEqual(outcome, { state: "done", pictures: marks("spring") })
    assert.deepEqual(kept, [["stream:0", "spring"]])
  })

  it("is what an event makes that cannot be understood", async () => {
    const from: Provider = {
      ...provider,
      readEvent: (_, data) => {
        if (data === undefined) throw new TypeError("no step")
        return data as StreamStep
      },
    }
    const alone = await gather([event(undefined)], { from })
    assert.ok(alone.outcome.state === "failed" && alone.outcome.failure.ofTask === true)
    const { outcome } = await gather([picture("spring"), event(undefined)], { from })
    assert.ok(outcome.state === "done")
    assert.deepEqual(outcome.pictures, marks("spring"))
    assert.equal(outcome.missing?.length, 1)
  })
})

describe("a stream that breaks", () => {
  it("keeps the pictures that have come, since they are paid for, and says that something is missing", async () => {
    const error = Object.assign(new Error("socket hang up"), { code: "ECONNRESET" })
    const events = [picture("spring"), missing(refused), picture("summer!")]
    const { outcome, kept, forgotten, value } = await gather(events, { error })
    const pictures = marks("spring", "summer!")
    assert.deepEqual(outcome, { state: "done", pictures, missing: [refused, brokenOff] })
    assert.equal(kept.length, 2)
    assert.deepEqual(forgotten, [])
    // For the log.
    assert.equal(value, error)
  })

  it("throws a fault of this house, and keeps nothing that nobody will ask for", async () => {
    await assert.rejects(gather([picture("spring"), picture("summer!")], { error: ours }), ours)
  })

  it("throws what broke it where no whole picture has come", async () => {
    const error = new Error("socket hang up")
    for (const events of [[], [partial(0, "dim")], [missing(refused)]])
      await assert.rejects(gather(events, { error }), error)
  })
})

describe("a stream that ends without a last word", () => {
  it("keeps the pictures that have come", async () => {
    const { outcome, kept } = await gather([picture("spring"), link("https://x.example/2.png")])
    assert.ok(outcome.state === "done")
    assert.deepEqual(outcome.pictures, [...marks("spring"), { url: "https://x.example/2.png" }])
    assert.deepEqual(
      outcome.missing?.map(({ code }) => code),
      ["provider_error"],
    )
    assert.deepEqual(kept, [["stream:0", "spring"]])
  })

  it("fails where none has", async () => {
    for (const events of [[], [partial(0, "dim")], [event(undefined)]])
      assert.deepEqual((await gather(events)).outcome, { state: "failed", failure: endedEarly })
    const told = await gather([missing(refused)])
    assert.deepEqual(told.outcome, { state: "failed", failure: refused })
  })
})

describe("any stream", () => {
  it("loses no picture, keeps none twice, and accounts for each that did not come", async () => {
    const step = fc.constantFrom("picture", "link", "missing", "partial", "nothing")
    const ending = fc.constantFrom("done", "failed", "early", "broken")
    const property = fc.asyncProperty(fc.array(step, { maxLength: 20 }), ending, async (steps, how) => {
      const events = steps.map((kind, index) => eventOf(kind, index))
      if (how === "done") events.push(end({ state: "done", pictures: [] }))
      if (how === "failed") events.push(end({ state: "failed", failure: fault }))
      const count = (...kinds: string[]) => steps.filter((kind) => kinds.includes(kind)).length
      const came = count("picture", "link")
      const error = new Error("broken")
      const gathering = gather(events, how === "broken" ? { error } : {})
      if (how === "broken" && came === 0) return assert.rejects(gathering, error)
      const { outcome, kept, forgotten, partials } = await gathering
      const texts = steps.flatMap((kind, index) => (kind === "picture" ? `${index}` : []))
      assert.deepEqual(
        kept.map(([, text]) => text),
        texts,
      )
      assert.equal(forgotten.length, count("nothing"))
      assert.equal(partials.length, count("partial"))
      if (came === 0) return assert.ok(outcome.state === "failed" || (how === "done" && count("missing") === 0))
      assert.ok(outcome.state === "done")
      assert.equal(outcome.pictures.length, came)
      assert.equal(outcome.missing?.length ?? 0, count("missing") + (how === "done" ? 0 : 1))
    })
    await fc.assert(property, { numRuns: 300 })
  })
})

function eventOf(kind: string, index: number): Event {
  if (kind === "picture") return picture(`${index}`)
  if (kind === "link") return link(`https://x.example/${index}.png`)
  if (kind === "missing") return missing(refused)
  return kind === "partial" ? partial(index, `${index}`) : event(undefined, `${index}`)
}
