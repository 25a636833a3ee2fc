// Models that Baidu Qianfan serves: its own iRAG and Alibaba's Qwen-Image. Sources: Baidu's pages qianfan-api/s/8m7u6un8a
// and Rm9m76ekf, Alibaba's pages qwen-image-api and qwen-image-edit-api, and the AIHubMix documents.
import { z } from "zod"
import { family, to } from "./model.ts"
import type { Given, ModelRow, Route, Rule } from "./model.ts"
import { count, images, mapped, mask, oneOf, prompt, seed } from "./parameters.ts"
import { perImage, yuan } from "./price.ts"

const sideMin = 512
const sideMax = 2048

const size = (otherwise: string, oneK = "1024x1024") =>
  mapped(
    z
      .string()
      .regex(/^(auto|[1-4]K|[1-9]\d{2,3}x[1-9]\d{2,3})$/)
      .default("auto")
      .meta({
        title: "Size",
        description: `1K, 2K, or pixels such as 1024x576, both sides from ${sideMin} to ${sideMax}. ${otherwise}`,
      }),
    `1K means ${oneK}, and 2K means 2048x2048`,
  )

// UNVERIFIED for edits and iRAG, for which Baidu names no bounds; one client has 1 to 20.
const guidance = (otherwise: string) =>
  z
    .number()
    .min(0)
    .max(20)
    .optional()
    .meta({ title: "Guidance", description: `How closely the prompt is followed. ${otherwise}` })

// The vendor takes seeds twice as large, the documents do not.
const seedMax = 2_147_483_647

// Published clients send a seed and guidance to all four; Baidu's page says of Qwen-Image alone that they count.
const perhaps = "Handed on; Baidu's page says of Qwen-Image alone that it counts."

const shared = {
  n: count(10),
  watermark: z.boolean().default(true).meta({ title: "Watermark", description: "A visible mark at the lower right." }),
}

const qwen = {
  ...shared,
  prompt: prompt(800),
  seed: seed(0, seedMax),
  guidance: guidance("4 where left out. Baidu only."),
  steps: z
    .int()
    .min(1)
    .max(50)
    .optional()
    .meta({ title: "Steps", description: "More is finer and slower. Baidu only." }),
  negative_prompt: z
    .string()
    .max(500)
    .optional()
    .meta({ title: "Negative prompt", description: "What the picture shall not show." }),
  prompt_upsampling: mapped(
    z.boolean().optional().meta({
      title: "Prompt upsampling",
      description: "Lets the vendor enrich the prompt; its own choice if left out.",
    }),
    "the vendors call it prompt_extend",
  ),
}

const irag = {
  ...shared,
  prompt: prompt(220),
  seed: seed(0, seedMax).meta({ title: "Seed", description: perhaps }),
  guidance: guidance(perhaps),
}

const picture = (words: string) => ({
  title: "Picture",
  description: `${words}: a URL, a data URL, base64, or the id of a stored picture.`,
})

const drawQwen = z.object({
  ...qwen,
  size: size(
    "Auto is 1024x1024; Alibaba makes few sizes, and 1328x1328 for auto and 1K.",
    "1024x1024 (Alibaba: 1328x1328)",
  ),
})

const editQwen = z.object({
  ...qwen,
  image: images(3).meta({
    title: "Pictures",
    description: "One to three pictures to edit: URLs, data URLs, base64, or ids of stored pictures.",
  }),
  // AIHubMix refused a size here, and one of its clients always sends it; Baidu documents it.
  size: size("Auto leaves it to the vendor; Alibaba takes nothing else."),
})

const drawIrag = z.object({
  ...irag,
  image: images(1).meta(picture("A picture to take after")),
  size: size("Auto is 1024x1024."),
})

const features = ["erase", "repaint", "variation"] as const

const editIrag = z.object({
  ...irag,
  prompt: z
    .string()
    .max(220)
    .optional()
    .meta({ title: "Prompt", description: "What the picture shows, in words. Only erase can do without." }),
  image: images(1).meta(picture("The picture to start from")),
  feature: oneOf(
    features,
    "Feature",
    "erase removes what the mask marks, repaint paints it anew, variation makes another picture like it. " +
      "Left out, it is repaint with a mask and variation without.",
  ).optional(),
  mask: mask.meta({
    title: "Mask",
    description:
      "A PNG as large as the picture, for erase and repaint: white (255) marks what to change, black is kept.",
  }),
  size: size("Auto keeps the shape of the picture, at about 1 megapixel."),
})

const legalSize: Rule = ({ input }) => {
  const wanted = String(input["size"] ?? "auto")
  const [width = 0, height = 0] = wanted.split("x").map(Number)
  const legal = wanted.includes("x")
    ? [width, height].every((side) => side >= sideMin && side <= sideMax)
    : ["auto", "1K", "2K"].includes(wanted)
  const allowed = `auto, 1K, 2K, or pixels with both sides from ${sideMin} to ${sideMax}`
  return legal ? undefined : { param: "size", message: `size must be ${allowed}` }
}

/** A mask alone is refused for what it lacks, which is the same. */
const needsImage: Rule = ({ images: given, mask: masked }) =>
  given === 0 && !masked ? { param: "image", message: "image is missing: this model edits a picture" } : undefined

const featureOf = ({ input, mask: masked }: Given): string =>
  features.find((feature) => feature === input["feature"]) ?? (masked ? "repaint" : "variation")

const featureIsComplete: Rule = (given) => {
  const feature = featureOf(given)
  const isVariation = feature === "variation"
  if (isVariation && given.mask) return { param: "mask", message: "mask cannot be given with feature variation" }
  return isVariation || given.mask ? undefined : { param: "mask", message: `feature ${feature} needs mask` }
}

const hasPrompt: Rule = (given) =>
  given.input.prompt || featureOf(given) === "erase" ? undefined : { param: "prompt", message: "prompt is missing" }

const onlyByBaidu = (param: string) => ({ param, message: `${param} cannot be set with Alibaba, only with Baidu` })

/** Alibaba's way to a Qwen model: `sizes` are those it makes there, `enriches` whether it may enrich the prompt. */
function toAlibaba(model: string, sizes: string[], enriches: boolean): Route {
  const cannot: Rule = ({ input }) => {
    const param = ["guidance", "steps"].find((name) => input[name] !== undefined)
    if (param !== undefined) return onlyByBaidu(param)
    if (input["prompt_upsampling"] === true && !enriches) return onlyByBaidu("prompt_upsampling")
    if (sizes.includes(String(input["size"] ?? "auto"))) return undefined
    return { param: "size", message: `size must be ${sizes.join(", ")} with Alibaba` }
  }
  return to("dashscope", model, { cannot })
}

// A square is the nearest that Alibaba makes to what the documents have as default, 1024x1024.
const alibabaSizes = ["auto", "1K", "1328x1328", "1664x928", "928x1664", "1472x1104", "1104x1472"]

const editing: Pick<ModelRow, "imagesMin"> & { rules: Rule[] } = { imagesMin: 1, rules: [legalSize, needsImage] }

export const qianfan = family("qianfan", {
  "qwen-image": {
    title: "Qwen-Image",
    description: "Makes pictures from text; renders long texts well, above all Chinese and English.",
    released: "2025-08-04",
    parameters: drawQwen,
    imagesMax: 0,
    rules: [legalSize],
    price: perImage(yuan(0.25)),
    routes: [to("qianfan", "qwen-image"), toAlibaba("qwen-image", alibabaSizes, true)],
    synonyms: { prompt_extend: "prompt_upsampling" },
  },
  "qwen-image-edit": {
    ...editing,
    title: "Qwen-Image-Edit",
    description: "Edits one to three pictures as the prompt says, texts in them included.",
    released: "2025-08-18",
    parameters: editQwen,
    imagesMax: 3,
    price: perImage(yuan(0.3)),
    routes: [to("qianfan", "qwen-image-edit"), toAlibaba("qwen-image-edit", ["auto"], false)],
    synonyms: { prompt_extend: "prompt_upsampling" },
  },
  // Baidu's newest pages no longer name irag-1.0, and price neither of the two: prices and days are those that others list.
  "irag-1.0": {
    title: "iRAG 1.0",
    description: "Makes realistic pictures, with the help of pictures that Baidu's search finds.",
    released: "2025-02-05",
    parameters: drawIrag,
    imagesMax: 1,
    rules: [legalSize],
    price: perImage(yuan(0.14)),
    routes: [to("qianfan", "irag-1.0")],
  },
  "ernie-irag-edit": {
    title: "ERNIE iRAG Edit",
    description: "Erases or repaints what a mask marks, or makes variations of a picture.",
    released: "2025-04-17",
    parameters: editIrag,
    ...editing,
    imagesMax: 1,
    rules: [...editing.rules, featureIsComplete, hasPrompt],
    price: perImage(yuan(0.14)),
    routes: [to("qianfan", "ernie-irag-edit")],
  },
})
