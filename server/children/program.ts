// The child's side: takes questions with their pictures, and answers one after the other. What it runs has no settings,
// no keys but those that it is given with a question, no files to write and no network.
import { GatewayError, messageOf } from "../errors.ts"
import { createReader, write, writeJson } from "./messages.ts"
import type { Question, Reader } from "./messages.ts"

/** What is told of the work, and the picture where one was made. */
export type Done = { told: object; picture?: Uint8Array | undefined }

export type Work<Asked> = (asked: Asked, pictures: Buffer[]) => Promise<Done>

/** A `GatewayError` of the work refuses the picture, in its own words. Any other ends the process. */
export async function answerAll<Asked>(work: Work<Asked>): Promise<void> {
  // Signals to the whole group are for the server, which lets this process go when it is done with it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined)
  // Also while something here hangs: nobody is there any more to ask for an answer.
  process.stdin.once("close", end)
  const reader = createReader(process.stdin)
  await writeJson(process.stdout, { ready: true })
  for (;;) {
    const question = (await reader.json()) as (Question & { asked: Asked }) | undefined
    const pictures = question && (await readPictures(reader, question.sizes))
    if (!pictures) break
    await answer(question.id, () => work(question.asked, pictures))
  }
  end()
}

const end = () => process.kill(process.pid, "SIGKILL")

async function readPictures(reader: Reader, sizes: number[]): Promise<Buffer[] | undefined> {
  const pictures: Buffer[] = []
  for (const size of sizes) {
    const picture = await reader.whole(size)
    if (!picture) return undefined
    pictures.push(picture)
  }
  return pictures
}

async function answer(id: number, work: () => Promise<Done>): Promise<void> {
  const done = await work().catch((error: unknown) => {
    if (error instanceof GatewayError) return { refused: messageOf(error.failure) }
    throw error
  })
  if ("refused" in done) return writeJson(process.stdout, { id, ...done })
  const { told, picture } = done
  await writeJson(process.stdout, { id, told, bytes: picture?.length ?? 0 })
  if (picture) await write(process.stdout, picture)
}
