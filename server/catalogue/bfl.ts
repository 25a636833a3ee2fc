// Black Forest Labs' FLUX models. Source: BFL's OpenAPI description of 2026-08-22, and the AIHubMix documents.
import {
  dev,
  flux2,
  flux2Flex,
  flux2Klein,
  flux2Rules,
  kontext,
  kontextRules,
  pro11,
  pro11Rules,
  sidesOf,
  ultra,
  ultraRules,
} from "./bflParameters.ts"
import { family, to } from "./model.ts"
import type { Given, Price, Route, Rule } from "./model.ts"
import { dollars, perImage } from "./price.ts"

const megapixel = 1024 * 1024

/** Pixels asked for, in megapixels; of a size left to the vendor, and of each reference picture, one is reckoned. */
function megapixelsOf(given: Given): number {
  if (given.input["size"] === "2K") return 4
  const { width = 1024, height = 1024 } = sidesOf(given)
  return Math.max(1, (width * height) / megapixel)
}

/** US dollars for the first megapixel made, and for each further one, made or sent along. */
const perMegapixel =
  (first: number, further: number): Price =>
  (given) =>
    dollars(first + further * (megapixelsOf(given) - 1 + given.images))

type AzureLimits = {
  references: number
  /** Whether prompts are enriched there by default; it cannot be said otherwise. */
  enriches: boolean
  pixelsMax?: number
}

/** Microsoft's way to the model, by the id it has in Foundry. Source: Microsoft's page on FLUX models of 2026-03-23. */
function toAzure(model: string, { references, enriches, pixelsMax = Number.POSITIVE_INFINITY }: AzureLimits): Route {
  const cannot: Rule = (given) => {
    const { input, images } = given
    const { param, width = 1024, height = 1024 } = sidesOf(given)
    if (images > references) {
      const most =
        references === 0 ? "no picture" : `at most ${references} ${references === 1 ? "picture" : "pictures"}`
      return { param: "image", message: `${model} takes ${most} to start from at Microsoft Azure` }
    }
    if (input["output_format"] === "webp")
      return { param: "output_format", message: "output_format must be jpeg or png at Microsoft Azure" }
    // The page spells a field for it that is likely a slip, `prompt_unsampling`, so that nothing is sent.
    if (input["prompt_upsampling"] === !enriches)
      return { param: "prompt_upsampling", message: `prompt_upsampling must be ${enriches} at Microsoft Azure` }
    if (width * height > pixelsMax)
      return { param, message: `${param} must be at most ${pixelsMax / 1e6} megapixels at Microsoft Azure` }
    return undefined
  }
  return to("azure", model, { cannot })
}

const ofFlux2 = { parameters: flux2, imagesMax: 8, rules: flux2Rules, background: true }
const ofFlex = { ...ofFlux2, parameters: flux2Flex }
const ofKlein = { ...ofFlux2, parameters: flux2Klein, imagesMax: 4 }
const ofKontext = { parameters: kontext, imagesMax: 4, rules: kontextRules, background: true }
const ofUltra = {
  ...{ parameters: ultra, imagesMax: 1, rules: ultraRules, background: true },
  synonyms: { image_prompt: "image" },
}
const ofPro11 = { ...ofUltra, parameters: pro11, rules: pro11Rules }
const ofDev = { ...ofPro11, parameters: dev }

export const bfl = family("bfl", {
  "flux-2-max": {
    ...ofFlux2,
    title: "FLUX.2 max",
    description: "The finest of the second generation; makes and edits pictures.",
    released: "2025-12-16",
    price: perMegapixel(0.07, 0.03),
    routes: [to("bfl", "flux-2-max")],
    names: ["FLUX.2-max"],
  },
  "flux-2-pro": {
    ...ofFlux2,
    title: "FLUX.2 pro",
    description: "Makes and edits pictures; reads and writes complex text.",
    released: "2025-11-25",
    price: perMegapixel(0.03, 0.015),
    routes: [to("bfl", "flux-2-pro"), toAzure("FLUX.2-pro", { references: 8, enriches: true })],
    names: ["FLUX.2-pro"],
  },
  "flux-2-flex": {
    ...ofFlex,
    title: "FLUX.2 flex",
    description: "Keeps characters and style over several references; steps and guidance can be set.",
    released: "2025-11-25",
    price: perMegapixel(0.05, 0.05),
    routes: [to("bfl", "flux-2-flex"), toAzure("FLUX.2-flex", { references: 10, enriches: true })],
    names: ["FLUX.2-flex"],
  },
  "flux-2-klein": {
    ...ofKlein,
    title: "FLUX.2 klein 9B",
    description: "Makes and edits pictures in less than a second.",
    released: "2026-01-15",
    price: perMegapixel(0.015, 0.002),
    routes: [to("bfl", "flux-2-klein-9b")],
    names: ["flux-2-klein-9b", "FLUX.2-klein", "FLUX.2-klein-9b"],
  },
  "flux-2-klein-4b": {
    ...ofKlein,
    title: "FLUX.2 klein 4B",
    description: "The smallest and cheapest FLUX, for previews and large numbers.",
    released: "2026-01-15",
    price: perMegapixel(0.014, 0.001),
    routes: [to("bfl", "flux-2-klein-4b")],
    names: ["FLUX.2-klein-4b"],
  },
  "flux-kontext-max": {
    ...ofKontext,
    title: "FLUX.1 Kontext max",
    description: "Makes pictures from text and edits pictures in context.",
    released: "2025-05-29",
    price: perImage(0.08),
    routes: [to("bfl", "flux-kontext-max")],
    names: ["FLUX.1-Kontext-max"],
  },
  "flux-kontext-pro": {
    ...ofKontext,
    title: "FLUX.1 Kontext pro",
    description: "Makes pictures from text and edits pictures in context, faster.",
    released: "2025-05-29",
    price: perImage(0.04),
    routes: [to("bfl", "flux-kontext-pro"), toAzure("FLUX.1-Kontext-pro", { references: 1, enriches: false })],
    names: ["FLUX.1-Kontext-pro"],
  },
  "flux-pro-1.1-ultra": {
    ...ofUltra,
    title: "FLUX1.1 pro ultra",
    description: "Pictures of 4 megapixels, in a raw mode close to photographs where wanted.",
    released: "2024-11-06",
    price: perImage(0.06),
    routes: [to("bfl", "flux-pro-1.1-ultra")],
    names: ["FLUX-1.1-pro-ultra", "FLUX1.1-pro-ultra"],
  },
  "flux-pro-1.1": {
    ...ofPro11,
    title: "FLUX1.1 pro",
    description: "Fast and dependable pictures from text, which may remix a picture.",
    released: "2024-10-02",
    price: perImage(0.04),
    routes: [
      to("bfl", "flux-pro-1.1"),
      toAzure("FLUX-1.1-pro", { references: 0, enriches: false, pixelsMax: 1_600_000 }),
    ],
    names: ["FLUX-1.1-pro", "FLUX1.1-pro"],
  },
  "flux-dev": {
    ...ofDev,
    title: "FLUX.1 dev",
    description: "The open model of the first generation; steps and guidance can be set.",
    released: "2024-08-01",
    // UNVERIFIED: no longer in BFL's table; resellers ask the same. What the vendor says it cost decides.
    price: perImage(0.025),
    routes: [to("bfl", "flux-dev")],
    names: ["FLUX.1-dev"],
  },
})
