// How large a picture of a caller's may be. Its header says so before anything is decoded.
import type { Probed } from "./probe.ts"

export const pixelsMax = 50_000_000
export const sideMax = 16_384
export const framesMax = 100

/** Why a picture is too large, to be read after its name; undefined where it is not. */
export function faultOf({ width, height, frames = 1 }: Pick<Probed, "width" | "height"> & { frames?: number }) {
  if (width > sideMax || height > sideMax) return `is ${width}x${height} pixels; at most ${sideMax} are taken on a side`
  if (width * height > pixelsMax)
    return `is ${width}x${height} pixels; at most ${pixelsMax / 1_000_000} million are taken`
  if (frames > framesMax) return `has ${frames} frames; at most ${framesMax} are taken`
  return undefined
}
