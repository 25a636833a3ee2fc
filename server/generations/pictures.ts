// Takes the pictures of a vendor's answer into storage: those that came in it, and those behind its links.
import { GatewayError } from "../errors.ts"
import { keepPicture } from "../images/keep.ts"
import type { AnsweredPicture } from "../providers/provider.ts"
import type { Partial } from "../providers/run.ts"
import type { Sealed } from "../storage/storage.ts"
import { addressOf } from "./access.ts"
import type { Attempt, AttemptPicture } from "./attempts.ts"
import { noteEarlyPicture } from "./early.ts"
import { addEvent } from "./events.ts"
import type { PartialImage } from "./events.ts"
import { wayOut } from "./work.ts"
import type { Work } from "./work.ts"

/** Why there is no picture: its link did not answer, may not be followed, or what came is no picture. */
export type Unkept = "unreachable" | "behind a link that may not be followed" | "not a PNG, JPEG or WebP"

/** All of them or none: the pictures of one call belong together. */
export async function keepAnswer(
  work: Work,
  attempt: Attempt,
  answered: AnsweredPicture[],
  inBody: Map<string, Sealed>,
  signal: AbortSignal,
): Promise<AttemptPicture[] | Unkept> {
  const kept: AttemptPicture[] = []
  try {
    for (const one of answered) {
      const sealed = "mark" in one ? inBody.get(one.mark) : await download(work, attempt, one.url, signal)
      if (typeof sealed === "string") return sealed
      const picture = sealed && (await keepPicture(work.app, sealed))
      if (!picture) return "not a PNG, JPEG or WebP"
      kept.push({ picture, notes: one.notes ?? {} })
    }
    return kept
  } finally {
    for (const sealed of inBody.values()) await sealed.discard()
  }
}

const downloadsMax = 3

async function download(work: Work, attempt: Attempt, url: string, signal: AbortSignal): Promise<Sealed | Unkept> {
  const { app } = work
  const baseUrl = addressOf(work, attempt.provider)
  const options = { signal, maxBytes: app.config.pictureMaxMb * 1_000_000, trust: [baseUrl] }
  for (let count = 1; count <= downloadsMax; count++) {
    const draft = await app.storage.draft()
    try {
      // SGLang names its own pictures by their path alone.
      const answer = await wayOut(work).download(URL.parse(url, baseUrl)?.href ?? url, options)
      for await (const chunk of answer.body) await draft.write(chunk as Buffer)
      return await draft.seal()
    } catch (error) {
      await draft.discard()
      signal.throwIfAborted()
      app.log.warn({ err: error, generation: work.generation.id }, "a vendor's picture could not be downloaded")
      if (error instanceof GatewayError && error.failure.code === "url_not_allowed")
        return "behind a link that may not be followed"
    }
  }
  return "unreachable"
}

/** Keeps an early state of a picture and tells those who follow the generation. */
export async function keepPartial(
  { app, generation, job }: Work,
  attempt: Attempt,
  partial: Partial<Sealed>,
): Promise<void> {
  const kept = await keepPicture(app, partial.sealed)
  if (!kept) return
  const { mediaType, ...facts } = kept
  const data: PartialImage = { part: attempt.part, index: partial.index, ...facts, media_type: mediaType }
  await app.database.transaction(async (tx) => {
    await app.queue.hold(tx, job)
    await addEvent(tx, app.clock.now(), generation.id, { type: "partial_image", data })
    await noteEarlyPicture(tx, generation.id, kept.sha256)
  })
  app.changes.tell(generation.id)
}
