// Reads the structure of a picture's file, by what its first bytes say it is.
import { refuse } from "./contents.ts"
import type { Contents } from "./contents.ts"
import { readJpeg } from "./jpeg.ts"
import { readPng } from "./png.ts"
import { readWebp } from "./webp.ts"

/** Throws `image_invalid` where the file is no PNG, JPEG or WebP from its beginning to its end. */
export function readContents(file: Buffer): Contents {
  const head = file.toString("latin1", 0, 12)
  if (head.startsWith("\x89PNG\r\n\x1a\n")) return readPng(file)
  if (head.startsWith("\xff\xd8")) return readJpeg(file)
  if (head.startsWith("RIFF") && head.endsWith("WEBP")) return readWebp(file)
  return refuse("is no PNG, JPEG or WebP picture")
}
