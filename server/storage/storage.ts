// Where the bytes of pictures live. Names are the SHA-256 of the content, so a name never changes its meaning.
import type { Draft } from "../bodies/draft.ts"

export type Sealed = {
  /** Lower-case hex, 64 characters. */
  sha256: string
  bytes: number
  /** The first bytes, enough to tell what kind of file it is. */
  head: Buffer
  /** For reading, kept or not; the caller closes it. Rejects once the bytes are forgotten. */
  open: () => Promise<StoredObject>
  /** Moves the bytes to their name. Once it resolves they survive a crash of the process and of the machine. */
  keep: () => Promise<void>
  /** Forgets the bytes, unless they were kept. */
  discard: () => Promise<void>
}

export type StoredObject = {
  bytes: number
  /** Fills the buffer from `position`; answers how many bytes there were. */
  read: (buffer: Uint8Array, position: number, length: number) => Promise<number>
  close: () => Promise<void>
}

export type Storage = {
  /** Room for bytes that are still arriving; nothing is visible under a name until `keep`. */
  draft: () => Promise<Draft<Sealed>>
  /** Undefined where nothing has that name. The caller closes it. */
  open: (sha256: string) => Promise<StoredObject | undefined>
  /**
   * Removes what was last kept before that time (milliseconds since 1970), and nothing that is kept meanwhile: what
   * has just been kept may belong to a row that is not committed yet.
   */
  remove: (sha256: string, keptBefore: number) => Promise<void>
  /** Removes drafts that a crash has left, which nobody has written to since that time. */
  removeDrafts: (untouchedSince: number) => Promise<void>
  /** Resolves if a small write and read work now; for the readiness check. */
  check: () => Promise<void>
}

export const sha256Pattern = /^[0-9a-f]{64}$/

/** How much of a picture is looked at to tell its kind. */
export const headBytes = 4096
