// What the server and a child say to each other over a pipe: a length, so much JSON, and then the bytes of pictures.
import type { Readable } from "node:stream"

/** What is wanted, and how many bytes each of the pictures that follow has. */
export type Order = { sizes: number[] }

const jsonMaxBytes = 1_000_000

export function writeJson(value: object): Buffer {
  const json = Buffer.from(JSON.stringify(value))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  return Buffer.concat([length, json])
}

export type Reader = {
  /** Rejects where it is no JSON, and where the pipe ends before. */
  json: () => Promise<unknown>
  /** Exactly so many bytes, as they come. Throws where the pipe ends before. */
  pieces: (bytes: number) => AsyncGenerator<Buffer>
  whole: (bytes: number) => Promise<Buffer>
}

export function createReader(pipe: Readable): Reader {
  const chunks = pipe[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let rest: Buffer = Buffer.alloc(0)
  async function* pieces(bytes: number) {
    for (let left = bytes; left > 0;) {
      while (rest.length === 0) {
        const next = await chunks.next()
        if (next.done) throw new Error("the pipe ended too early")
        rest = next.value
      }
      const piece = rest.subarray(0, left)
      rest = rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }
  async function whole(bytes: number): Promise<Buffer> {
    const all: Buffer[] = []
    for await (const piece of pieces(bytes)) all.push(piece)
    return Buffer.concat(all)
  }
  return {
    pieces,
    whole,
    async json() {
      const length = (await whole(4)).readUInt32BE(0)
      if (length > jsonMaxBytes) throw new Error("a message is too long")
      return JSON.parse((await whole(length)).toString()) as unknown
    },
  }
}
