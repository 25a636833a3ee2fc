// What the server and its child say to each other over a pipe: a length, so much JSON, and then the bytes of pictures.
import type { Readable, Writable } from "node:stream"

/** So many pictures follow, of so many bytes each. */
export type Question = { id: number; sizes: number[]; asked: unknown }

/** `bytes` of the picture that was made follow; 0 where none was. */
export type Answer = { id: number; refused: string } | { id: number; told: unknown; bytes: number }

export type Ready = { ready: true }

const jsonMaxBytes = 1_000_000

/** The chunk may be written over once this has resolved. */
export const write = (pipe: Writable, chunk: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    pipe.write(chunk, (error) => (error ? reject(error) : resolve()))
  })

export function writeJson(pipe: Writable, value: Question | Answer | Ready): Promise<void> {
  const json = Buffer.from(JSON.stringify(value))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(json.length)
  return write(pipe, Buffer.concat([length, json]))
}

export type Reader = {
  /** The next bytes, at most so many; undefined at the end. */
  some: (max: number) => Promise<Buffer | undefined>
  /** Exactly so many, in a buffer of their own; undefined where the end comes before. */
  whole: (length: number) => Promise<Buffer | undefined>
  /** Whatever JSON comes next; undefined at the end. Rejects where it is none. */
  json: () => Promise<unknown>
}

export function createReader(pipe: Readable): Reader {
  const chunks = pipe[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let rest: Buffer = Buffer.alloc(0)
  async function some(max: number): Promise<Buffer | undefined> {
    while (rest.length === 0) {
      const next = await chunks.next()
      if (next.done) return undefined
      rest = next.value
    }
    const taken = rest.subarray(0, max)
    rest = rest.subarray(taken.length)
    return taken
  }
  async function whole(length: number): Promise<Buffer | undefined> {
    const buffer = Buffer.allocUnsafeSlow(length)
    for (let at = 0; at < length;) {
      const piece = await some(length - at)
      if (!piece) return undefined
      at += piece.copy(buffer, at)
    }
    return buffer
  }
  async function json(): Promise<unknown> {
    const length = (await whole(4))?.readUInt32BE(0)
    if (length === undefined) return undefined
    if (length > jsonMaxBytes) throw new Error("a message is too long")
    const text = await whole(length)
    return text && (JSON.parse(text.toString()) as unknown)
  }
  return { some, whole, json }
}
