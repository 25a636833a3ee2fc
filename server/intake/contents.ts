// What the file of a picture has in it, and the same file without what is not needed to show the picture.
import type { MediaType } from "../images/probe.ts"
import { GatewayError } from "../errors.ts"

export type Contents = {
  mediaType: MediaType
  width: number
  height: number
  /** More than 1 in an animation, of which only the first is used. */
  frames: number
  /** What is needed to show the picture, and nothing else; the very buffer that was read where that is all of it. */
  bytes: Buffer
  /** 1 to 8, as EXIF counts the ways to turn it upright; 1 where it is. */
  orientation: number
  /** Its first frame cannot be cut out of the file: it has to be drawn anew. */
  animated: boolean
}

/** Throws `image_invalid`; `why` is to be read after the picture's name. */
export function refuse(why: string, cause?: unknown): never {
  throw new GatewayError({ code: "image_invalid", detail: why }, cause)
}

export const cutOff = (): never => refuse("is cut off")

export type Selection = {
  /** Keeps the bytes from `start` up to and without `end`, which come after all that were kept before. */
  keep: (start: number, end: number) => void
  /** Puts other bytes in their place. */
  put: (bytes: Buffer) => void
  /** All that was kept and put, in order; the file itself where that is the same. */
  all: () => Buffer
}

/** Collects the parts of a file that stay, without copying until the end. */
export function selectFrom(file: Buffer): Selection {
  const pieces: Buffer[] = []
  let [start, end] = [0, 0]
  function close() {
    if (end > start) pieces.push(file.subarray(start, end))
    start = end
  }
  return {
    keep(from, to) {
      if (from !== end) {
        close()
        start = from
      }
      end = to
    },
    put(bytes) {
      close()
      pieces.push(bytes)
    },
    all() {
      if (pieces.length === 0 && start === 0 && end === file.length) return file
      close()
      return Buffer.concat(pieces)
    },
  }
}
