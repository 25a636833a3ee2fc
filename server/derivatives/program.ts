// The child's side: takes one order with its pictures, answers it and ends. What it runs has no settings, no files to
// write and no network.
import { createReader, writeJson } from "./messages.ts"
import type { Order } from "./messages.ts"

/** What is told of the work, and the picture where one was made. */
export type Done = { told: object; picture?: Uint8Array }

/** Only the message of an `UnfitPicture` is told to the caller. */
export class UnfitPicture extends Error {}

export async function answerOrder<Wish>(work: (wish: Wish, pictures: Buffer[]) => Promise<Done>): Promise<void> {
  // Signals to the whole group are for the server, which ends this process when it has no use for it any more.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined)
  const reader = createReader(process.stdin)
  const { sizes, ...wish } = (await reader.json()) as Order & Wish
  const pictures: Buffer[] = []
  for (const size of sizes) pictures.push(await reader.whole(size))
  try {
    const { told, picture = Buffer.alloc(0) } = await work(wish as Wish, pictures)
    process.stdout.write(writeJson({ ...told, bytes: picture.length }))
    process.stdout.end(picture)
  } catch (error) {
    if (!(error instanceof UnfitPicture)) throw error
    process.stdout.end(writeJson({ failed: error.message }))
  }
}
