// What requests cost. A row gives the price of one picture; everything that quotes or bills goes through quote().
import type { z } from "zod"
import type { Given, Model, Price } from "./model.ts"

/** A credit is US$0.01; the ledger counts whole micro-credits. */
export const microsPerCredit = 1_000_000

/** A price in US dollars, as vendors print them. */
export const dollars = (amount: number): number => Math.round(amount * 100 * microsPerCredit)

/** A price in yuan, as several vendors bill, in US dollars: 7.1 of them are reckoned for one. */
export const yuan = (amount: number): number => amount / 7.1

/** The same for every picture, whatever is asked. */
export const perImage =
  (amount: number): Price =>
  () =>
    dollars(amount)

export type Quote = {
  /** How many pictures the request makes at the most. */
  pictures: number
  microsPerPicture: number
  micros: number
}

/** What a checked request costs at the most; undefined where the model has no price. */
export function quote(model: Pick<Model, "price" | "picturesMax">, given: Given): Quote | undefined {
  if (!model.price) return undefined
  const pictures = model.picturesMax(given)
  const microsPerPicture = Math.round(model.price(given))
  return { pictures, microsPerPicture, micros: pictures * microsPerPicture }
}

/** Micro-credits for one picture of the plainest request there is. */
export function leastPrice(model: Model): number | undefined {
  const shape = Object.entries(model.parameters.shape)
  const defaults = shape.flatMap(([name, field]) => {
    const parsed = (field as z.ZodType).safeParse(undefined)
    return parsed.success && parsed.data !== undefined ? [[name, parsed.data]] : []
  })
  const input = { ...(Object.fromEntries(defaults) as Record<string, unknown>), n: 1 }
  return quote(model, { input, images: model.imagesMin, mask: false })?.microsPerPicture
}
