// Stored bytes in the shape that bodies take.
import type { App } from "../app.ts"
import type { Stored } from "../bodies/write.ts"
import { readPieces } from "../storage/pieces.ts"

export const storedBytes = (app: Pick<App, "storage">, sha256: string, bytes: number): Stored => ({
  bytes,
  read: () => readPieces(app.storage, sha256, { start: 0, end: bytes }, "steps"),
})
