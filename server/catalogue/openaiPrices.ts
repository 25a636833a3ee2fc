// How many tokens OpenAI's pictures are quoted at. It bills those that its answer counts.
import type { Given } from "./model.ts"
import { perToken, promptTokens } from "./tokens.ts"
import type { Tokens } from "./tokens.ts"

type Size = { width: number; height: number }

/** Tokens of one picture, by quality from the cheapest to the dearest. */
export type PictureTokens = Record<string, (size: Size) => number>

/** Of a square and of an oblong picture: GPT Image 1 and 1.5 draw nothing else. */
const listed =
  (square: number, oblong: number) =>
  ({ width, height }: Size): number =>
    width === height ? square : oblong

export const earlierTokens: PictureTokens = {
  low: listed(272, 408),
  medium: listed(1056, 1584),
  high: listed(4160, 6240),
}

/**
 * OpenAI's own calculator for GPT Image 2, as users of its forum worked it out: it gives the listed prices of a picture,
 * and the 13,342 tokens that were reported of a large one. A square counts more than an oblong of the same height.
 */
const reckoned =
  (steps: number) =>
  ({ width, height }: Size): number => {
    const [short, long] = width < height ? [width, height] : [height, width]
    return Math.ceil((steps * Math.round((steps * short) / long) * (2_000_000 + width * height)) / 4_000_000)
  }

export const secondTokens: PictureTokens = { low: reckoned(16), medium: reckoned(48), high: reckoned(96) }

/**
 * 2.5 and 2.6. No table of theirs is verified: up to high as 2, and dearer beyond. One public reckoning has their max
 * count what 2 counts for high, so that these are rather too many.
 */
export const laterTokens: PictureTokens = { ...secondTokens, xhigh: reckoned(120), max: reckoned(144) }

// A reference picture in high fidelity, as reported; an early state, as OpenAI's guide has it.
const referenceTokens = 6_240
const partialTokens = 100

const square = { width: 1024, height: 1024 }
const named: Record<string, Size> = {
  "1K": square,
  "2K": { width: 2048, height: 2048 },
  "4K": { width: 3840, height: 2160 },
}

/** `auto` may be any of the three sizes that every model has, so it is quoted as the dearer of them. */
function sizesOf({ input }: Given): Size[] {
  const size = String(input["size"])
  const [width, height] = size.split("x").map(Number)
  if (width && height) return [{ width, height }]
  return named[size] ? [named[size]] : [square, { width: 1024, height: 1536 }]
}

/** `auto` is quoted as high: what lies beyond it is not known to be chosen by a model itself. */
function madeTokens(tokens: PictureTokens, given: Given): number {
  const count = tokens[String(given.input["quality"])] ?? tokens["high"]!
  return Math.max(...sizesOf(given).map(count)) + partialTokens * Number(given.input["partial_images"] ?? 0)
}

/**
 * OpenAI's list of prices says more for the mini model (.005, .011 and .036 a square) than its tokens come to. Tokens
 * are what is billed.
 */
export const perOpenAiToken = (prices: Tokens, tokens: PictureTokens = earlierTokens) =>
  perToken(prices, (given) => ({
    textIn: promptTokens(given),
    imageIn: given.images * referenceTokens,
    textOut: 0,
    imageOut: madeTokens(tokens, given),
  }))
