// The child process in which pictures of callers are read and decoded. It is given bytes and gives bytes back; it has
// no settings, no keys, no files and no network. See docs/decisions/0019-pictures-coming-in.md.
import { GatewayError, messageOf } from "../errors.ts"
import { faultOf } from "../images/limits.ts"
import { findMarks } from "../images/marks.ts"
import { decodeAll, redraw } from "./decode.ts"
import { createReader, readJson, write, writeJson } from "./messages.ts"
import type { Question } from "./messages.ts"
import { readContents } from "./read.ts"

type Found = { refused: string } | { marks: string[]; kept: Buffer | undefined }

async function inspect(file: Buffer): Promise<Found> {
  try {
    const contents = readContents(file)
    const fault = faultOf(contents)
    if (fault !== undefined) return { refused: fault }
    const marks = await findMarks(fileOf(file), file.length)
    if (contents.orientation !== 1 || contents.animated) return { marks, kept: await redraw(contents) }
    await decodeAll(contents)
    return { marks, kept: contents.bytes === file ? undefined : contents.bytes }
  } catch (error) {
    if (error instanceof GatewayError) return { refused: messageOf(error.failure) }
    throw error
  }
}

const fileOf = (bytes: Buffer) => ({
  read: async (buffer: Buffer, position: number, length: number) => bytes.copy(buffer, 0, position, position + length),
})

const end = () => process.kill(process.pid, "SIGKILL")

// Signals to the whole group are for the server, which lets this process go when it is done with it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined)
// Also while something here hangs: nobody is there any more to ask for an answer.
process.stdin.once("close", end)

const reader = createReader(process.stdin)
await writeJson(process.stdout, { ready: true })
for (;;) {
  const question = (await readJson(reader)) as Question | undefined
  const file = question && (await reader.whole(question.bytes))
  if (!file) break
  const found = await inspect(file)
  if ("refused" in found) await writeJson(process.stdout, { id: question.id, ...found })
  else {
    const { marks, kept } = found
    await writeJson(process.stdout, { id: question.id, marks, bytes: kept?.length ?? 0 })
    if (kept) await write(process.stdout, kept)
  }
}
end()
