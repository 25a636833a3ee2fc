// What a request would cost, before it is made.
import { z } from "zod"
import { microsPerCredit } from "../../catalogue/price.ts"
import { quoteGeneration } from "../../generations/quote.ts"
import { route } from "../../http/route.ts"
import { phrase } from "./errors.ts"
import { WantedGeneration } from "./generations.ts"

const QuoteAnswer = z.object({
  model: z.string(),
  images: z.int().meta({ description: "How many pictures the request makes at the most." }),
  credits_per_image: z.number().meta({ description: "A credit is US$0.01." }),
  credits: z.number().meta({ description: "At the most: a vendor that states its true cost or use may come to less." }),
  usd: z.number(),
})

export const createQuote = route({
  method: "POST",
  path: "/v1/quotes",
  group: "Models",
  summary: "Price a request without making it",
  about: "Takes what `POST /v1/generations` takes and checks it the same way. Nothing is fetched, kept or charged.",
  access: "key",
  scope: "read",
  body: WantedGeneration,
  answers: [{ status: 200, about: "The price.", schema: QuoteAnswer }],
  failures: ["invalid_request", "invalid_key", "unknown_model", "price_missing"],
  phrase,
  handle({ app, body }) {
    const { model, pictures, microsPerPicture, micros } = quoteGeneration(app, {
      model: body.model,
      parameters: body.input,
      at: "input.",
    })
    const credits = micros / microsPerCredit
    const json = {
      ...{ model, images: pictures, credits_per_image: microsPerPicture / microsPerCredit, credits },
      usd: credits / 100,
    }
    return { status: 200, json }
  },
})
