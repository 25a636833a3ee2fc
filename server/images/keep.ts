// Keeps the bytes of a picture, once they have proved to be one.
import type { App } from "../app.ts"
import type { Sealed } from "../storage/storage.ts"
import { probe } from "./probe.ts"
import type { MediaType, Probed, ReadAt } from "./probe.ts"

/** A picture in storage, without a name yet. */
export type KeptPicture = { sha256: string; bytes: number; mediaType: MediaType; width: number; height: number }

/** Keeps the bytes under their SHA-256; where they are not a PNG, JPEG or WebP, forgets them and answers undefined. */
export async function keepPicture(app: Pick<App, "storage">, sealed: Sealed): Promise<KeptPicture | undefined> {
  const early = await probe(fromHead(sealed.head))
  // The size of a JPEG can stand further back than the head reaches; then it is read from what was stored.
  if (!early && !isJpeg(sealed.head)) {
    await sealed.discard()
    return undefined
  }
  await sealed.keep()
  const probed = early ?? (await probeStored(app, sealed.sha256))
  return probed && { sha256: sealed.sha256, bytes: sealed.bytes, ...probed }
}

const isJpeg = (head: Buffer): boolean => head[0] === 0xff && head[1] === 0xd8

const fromHead =
  (head: Buffer): ReadAt =>
  async (position, length) =>
    head.subarray(position, position + length)

async function probeStored(app: Pick<App, "storage">, sha256: string): Promise<Probed | undefined> {
  const object = await app.storage.open(sha256)
  if (!object) return undefined
  try {
    return await probe(async (position, length) => {
      const buffer = Buffer.alloc(length)
      return buffer.subarray(0, await object.read(buffer, position, length))
    })
  } finally {
    await object.close()
  }
}
