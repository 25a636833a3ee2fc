// The program of the child processes in which pictures of callers are read and decoded.
// See docs/decisions/0019-pictures-coming-in.md.
import { answerAll } from "../children/program.ts"
import type { Done } from "../children/program.ts"
import { faultOf } from "../images/limits.ts"
import { findMarks } from "../images/marks.ts"
import { refuse } from "./contents.ts"
import { decodeAll, redraw } from "./decode.ts"
import { readContents } from "./read.ts"

async function inspect(file: Buffer): Promise<Done> {
  const contents = readContents(file)
  const fault = faultOf(contents)
  if (fault !== undefined) return refuse(fault)
  const marks = await findMarks(fileOf(file), file.length)
  if (contents.orientation !== 1 || contents.animated) return { told: { marks }, picture: await redraw(contents) }
  await decodeAll(contents)
  return { told: { marks }, picture: contents.bytes === file ? undefined : contents.bytes }
}

const fileOf = (bytes: Buffer) => ({
  read: async (buffer: Buffer, position: number, length: number) => bytes.copy(buffer, 0, position, position + length),
})

await answerAll((_, [file]) => inspect(file!))
