// Reads an answer that streams: everything that comes on the way belongs to what the last word makes of it.
import type { ReadBody } from "../bodies/read.ts"
import { pictureMark } from "../bodies/scanner.ts"
import type { AnsweredPicture, Outcome, Provider, StreamStep, VendorFailure } from "./provider.ts"

export type StreamEvent<Sealed> = { event: string } & ReadBody<Sealed>

export type Gathered<Sealed> = {
  outcome: Outcome
  /** What the outcome's marks stand for, and perhaps more. */
  pictures: Map<string, Sealed>
  /** The last event, for the log. */
  value: unknown
}

type Options<Sealed> = {
  provider: Provider
  onPartial: (index: number, sealed: Sealed) => Promise<void>
  forget: (sealed: Sealed) => Promise<void>
  /** Whether it is the vendor or the way to it that threw, and not this house. */
  isTheirs: (error: unknown) => boolean
}

/** Throws what reading throws, but for a vendor that breaks off after a whole picture has come. */
export async function gatherStream<Sealed>(
  events: AsyncIterable<StreamEvent<Sealed>>,
  { provider, onPartial, forget, isTheirs }: Options<Sealed>,
): Promise<Gathered<Sealed>> {
  const whole: Whole[] = []
  const missing: VendorFailure[] = []
  const pictures = new Map<string, Sealed>()
  const end = (outcome: Outcome, value?: unknown): Gathered<Sealed> => ({
    outcome: withWhatCame(outcome, whole, missing),
    pictures,
    value,
  })
  try {
    for await (const { event, value, pictures: inEvent } of events) {
      const step = readStep(provider, event, value)
      const marked = new Map(inEvent.map(({ sealed }, index) => [pictureMark(index), sealed]))
      if (step && "outcome" in step) {
        for (const [mark, sealed] of marked) pictures.set(mark, sealed)
        return end(step.outcome, value)
      }
      if (step && "missing" in step) missing.push(step.missing)
      const mark = markOf(step)
      const sealed = mark === undefined ? undefined : marked.get(mark)
      for (const other of marked.values()) if (other !== sealed) await forget(other)
      if (step && "partial" in step && sealed) await onPartial(step.partial.index, sealed)
      if (step && "picture" in step)
        whole.push({ picture: keep(step.picture, sealed, pictures), index: step.index ?? whole.length })
    }
  } catch (error) {
    // Pictures that have come are paid for: what breaks after them does not undo them.
    if (whole.length === 0 || !isTheirs(error)) {
      for (const sealed of pictures.values()) await forget(sealed)
      throw error
    }
    return end({ state: "failed", failure: brokenOff }, error)
  }
  return end({ state: "failed", failure: whole.length > 0 ? brokenOff : (missing[0] ?? endedEarly) })
}

type Whole = { picture: AnsweredPicture; index: number }

const brokenOff: VendorFailure = { code: "provider_error", detail: "The vendor's answer was broken off or damaged." }
const endedEarly: VendorFailure = { code: "provider_error", detail: "The vendor's stream ended without a picture." }

export const notUnderstood: VendorFailure = {
  code: "provider_error",
  detail: "The vendor's answer could not be understood.",
  ofTask: true,
}

/** An event that cannot be understood ends the stream, as such an answer would. */
function readStep({ readEvent }: Provider, event: string, value: unknown): StreamStep | undefined {
  try {
    return readEvent?.(event, value)
  } catch {
    return { outcome: { state: "failed", failure: notUnderstood } }
  }
}

function markOf(step: StreamStep | undefined): string | undefined {
  if (step && "partial" in step) return step.partial.mark
  return step && "picture" in step && "mark" in step.picture ? step.picture.mark : undefined
}

/** Marks count anew in each event, so a picture that is kept gets one of its own. */
function keep<Sealed>(
  picture: AnsweredPicture,
  sealed: Sealed | undefined,
  pictures: Map<string, Sealed>,
): AnsweredPicture {
  if (!("mark" in picture) || sealed === undefined) return picture
  const mark = `stream:${pictures.size}`
  pictures.set(mark, sealed)
  return { ...picture, mark }
}

function withWhatCame(outcome: Outcome, whole: Whole[], missing: VendorFailure[]): Outcome {
  if (outcome.state === "pending") return outcome
  const bill = outcome.bill ? { bill: outcome.bill } : {}
  const failures = [...missing, ...(outcome.state === "done" ? (outcome.missing ?? []) : [])]
  const came = whole.toSorted((a, b) => a.index - b.index).map(({ picture }) => picture)
  const pictures = [...came, ...(outcome.state === "done" ? outcome.pictures : [])]
  if (pictures.length > 0) {
    const all = outcome.state === "failed" ? [...failures, outcome.failure] : failures
    return { state: "done", pictures, ...(all.length > 0 ? { missing: all } : {}), ...bill }
  }
  const [first] = failures
  return outcome.state === "done" && first ? { state: "failed", failure: first, ...bill } : outcome
}
