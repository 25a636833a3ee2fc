// Where the bytes of a picture go while they arrive, before anyone has decided to keep them.

export type Draft<Sealed> = {
  /** Takes the next bytes. The buffer may be reused once the promise has resolved, not before. */
  write: (bytes: Uint8Array) => Promise<void>
  /** No more bytes will come. */
  seal: () => Promise<Sealed>
  /** Forgets everything written. Never rejects; may be called after `seal`. */
  discard: () => Promise<void>
}

/** A draft of all these pieces, sealed; forgotten where that fails. */
export async function sealPieces<Sealed>(
  openDraft: () => Promise<Draft<Sealed>>,
  pieces: AsyncIterable<Uint8Array>,
): Promise<Sealed> {
  const draft = await openDraft()
  try {
    for await (const piece of pieces) await draft.write(piece)
    return await draft.seal()
  } catch (error) {
    await draft.discard()
    throw error
  }
}

/** A body that is not what it should be: cut off, not JSON, broken base64, larger than allowed. */
export class BodyError extends Error {
  readonly reason: "broken" | "too_large"
  /** The key whose value is at fault, where there is one. */
  readonly key: string | undefined

  constructor(reason: "broken" | "too_large", message: string, key?: string) {
    super(message)
    this.name = "BodyError"
    this.reason = reason
    this.key = key
  }
}
