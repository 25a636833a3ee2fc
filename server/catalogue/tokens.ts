// What vendors cost that bill tokens: one list of prices, for what a request is quoted at and for what its answer counts.
import type { Counted, Given, Model } from "./model.ts"
import { dollars } from "./price.ts"

/** Numbers of tokens, or US dollars for a million of them: of text and pictures that go in, and of those that come out. */
export type Tokens = { textIn: number; imageIn: number; textOut: number; imageOut: number }

/**
 * A row's price and bill. `expected` are the tokens of one picture at the most; `more` is what a call costs beside its
 * tokens, in US dollars.
 */
export function perToken(
  prices: Tokens,
  expected: (given: Given) => Tokens,
  more: (given: Given) => number = () => 0,
): Required<Pick<Model, "price" | "bill">> {
  const cost = (given: Given, tokens: Tokens) => dollars(costOf(prices, tokens) / 1_000_000 + more(given))
  return {
    price: (given) => cost(given, expected(given)),
    bill: (given, counted) => cost(given, tokensOf(given, counted)),
  }
}

const costOf = (prices: Tokens, { textIn, imageIn, textOut, imageOut }: Tokens): number =>
  textIn * prices.textIn + imageIn * prices.imageIn + textOut * prices.textOut + imageOut * prices.imageOut

/**
 * Where a vendor does not say what its tokens are of, those that come out are pictures', and those that go in are text's,
 * or pictures' where any were given. A picture came, so that none of its tokens is no answer either.
 */
function tokensOf({ images, mask }: Given, counted: Counted): Tokens {
  const given = counted.input_tokens_details?.image_tokens ?? (images > 0 || mask ? Number.POSITIVE_INFINITY : 0)
  const [imageIn, textIn] = divided(counted.input_tokens, given)
  const made = counted.output_tokens_details?.image_tokens || Number.POSITIVE_INFINITY
  const [imageOut, textOut] = divided(counted.output_tokens, made)
  return { textIn, imageIn, textOut, imageOut }
}

/** The sum counts: of parts that come to more or to less, what is not pictures' is text's. */
function divided(all: number, ofPictures: number): [pictures: number, text: number] {
  const total = Math.max(0, all)
  const pictures = Math.min(Math.max(0, ofPictures), total)
  return [pictures, total - pictures]
}

/** More than most prompts, and for long ones a token for each character, which no language needs. */
export const promptTokens = ({ input }: Given): number => Math.max(1_000, input.prompt?.length ?? 0)
