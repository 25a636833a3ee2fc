// What the C2PA manifest of a picture says, as the official core reads it.
import { z } from "zod"
import type { App } from "../app.ts"
import { blamesPicture } from "../children/child.ts"
import type { Image } from "../images/images.ts"
import { storedBytes } from "../images/stored.ts"

/** `codes` are C2PA's words for what is wrong, none where all is well. */
export const Manifest = z.object({
  state: z.enum(["trusted", "valid", "invalid", "unreadable"]),
  generator: z.string().nullable(),
  signer: z.string().nullable(),
  codes: z.array(z.string()),
})
export type Manifest = z.infer<typeof Manifest>

/** For a picture that has one. Throws `unavailable` where too many pictures are being worked on. */
export async function readManifest(
  app: Pick<App, "storage" | "workshop">,
  image: Image,
  over?: AbortSignal,
): Promise<Manifest> {
  const { workshop } = app
  const asked = { kind: "read" as const, mediaType: image.mediaType }
  const pictures = [storedBytes(app, image.sha256, image.bytes)]
  const use = async (manifest: Manifest) => manifest
  try {
    return await workshop.inTurn(() => workshop.run({ asked, pictures, told: Manifest, use }), over)
  } catch (error) {
    if (!blamesPicture(error)) throw error
    return { state: "unreadable", generator: null, signer: null, codes: [] }
  }
}
