// FLUX in Microsoft Foundry: what each model takes there, and requests read accordingly.
import { z } from "zod"
import { badRequest, noDeployment, noModel, refuseIssue } from "./azure-errors.ts"
import { models as bflModels, sizeOf } from "./bfl-models.ts"
import type { Model } from "./bfl-models.ts"
import type { Answer } from "./imitation.ts"
import { inspect, seedOf } from "./picture.ts"
import type { Format, Size } from "./picture.ts"

export type Deployment = {
  /** The model's id, by which it is deployed here. */
  id: string
  model: Model
  references: number
  pixelsMax: number
  /** What it can do in the manner of OpenAI. */
  imageApi: ("generations" | "edits")[]
}

/** One picture to draw. */
export type Wish = Size & { deployment: Deployment; prompt: string; seed: number; format: Format; inputs: Buffer[] }

const megapixel = 1024 * 1024
const none: Deployment["imageApi"] = []

const deployment = (id: string, path: string, more: Omit<Deployment, "id" | "model">): [string, Deployment] => [
  path,
  { id, model: bflModels.get(path)!, ...more },
]

/** By the name that each has in the path of Black Forest Labs' own API. */
export const deployments: ReadonlyMap<string, Deployment> = new Map([
  deployment("FLUX.2-pro", "flux-2-pro", { references: 8, pixelsMax: 4 * megapixel, imageApi: none }),
  deployment("FLUX.2-flex", "flux-2-flex", { references: 10, pixelsMax: 4 * megapixel, imageApi: none }),
  deployment("FLUX.1-Kontext-pro", "flux-kontext-pro", {
    references: 1,
    pixelsMax: 2 * megapixel,
    imageApi: ["generations", "edits"],
  }),
  deployment("FLUX-1.1-pro", "flux-pro-1.1", { references: 0, pixelsMax: 1_600_000, imageApi: ["generations"] }),
])

const Own = z.looseObject({
  prompt: z.string().min(1),
  num_images: z.int().min(1).optional(),
  output_format: z.enum(["jpeg", "png"]).optional(),
})

/** What the model's own vendor does not know is passed over, as OpenAI's fields are. */
export async function readFields(deployment: Deployment, given: Record<string, unknown>): Promise<Wish | Answer> {
  const { id, model, pixelsMax } = deployment
  if (given["model"] === undefined) return noModel()
  if (given["model"] !== id) return noDeployment()
  const parsed = z.intersection(Own, model.fields).safeParse(given, { reportInput: true })
  if (!parsed.success) return refuseIssue(parsed.error.issues[0]!)
  const { prompt, seed, output_format: format, ...fields } = parsed.data
  const inputs = await readInputs(deployment, given)
  if (!Array.isArray(inputs)) return inputs
  // UNVERIFIED: whether an edit without a size follows its picture; Microsoft's page knows one default for all.
  const { width, height } = sizeOf(model, { ...fields, prompt }, undefined)
  if (width * height > pixelsMax) return badRequest(`Invalid 'width': ${id} draws at most ${pixelsMax} pixels.`)
  return {
    ...{ deployment, prompt, inputs, width, height },
    seed: seed ?? rolledSeed(),
    format: format ?? model.defaults.format,
  }
}

/** Without a seed each picture is another. */
const rolledSeed = (): number => seedOf(String(Math.random()))

async function readInputs({ id, references }: Deployment, given: Record<string, unknown>): Promise<Buffer[] | Answer> {
  const fields = Object.entries(given).filter(([name]) => /^(input_image(_\d+)?|image_prompt)$/.test(name))
  // UNVERIFIED: that more than it takes are refused, and not passed over.
  if (fields.length > references) return badRequest(`${id} takes at most ${references} input images.`)
  const inputs: Buffer[] = []
  for (const [name, value] of fields) {
    // Bare base64; whether links are fetched is not said.
    const isBase64 = typeof value === "string" && /^[A-Za-z0-9+/]+=*$/.test(value)
    const bytes = Buffer.from(isBase64 ? value : "", "base64")
    if (bytes.length === 0 || !(await inspect(bytes)))
      return badRequest(`Invalid '${name}': expected a picture in base64.`)
    inputs.push(bytes)
  }
  return inputs
}

const Fields = z.looseObject({
  prompt: z.string().min(1),
  n: z.int().min(1).max(10).default(1),
  size: z
    .string()
    .regex(/^[1-9]\d{1,3}x[1-9]\d{1,3}$/)
    .default("1024x1024"),
})

/** The Images API knows little more than a prompt and a size, and drops what else OpenAI's clients send. */
export function readImagesCall(
  deployment: Deployment,
  given: Record<string, unknown>,
  inputs: Buffer[],
): { wish: Wish; n: number } | Answer {
  const parsed = Fields.safeParse(given, { reportInput: true })
  if (!parsed.success) return refuseIssue(parsed.error.issues[0]!)
  const { prompt, n, size } = parsed.data
  const [width = 0, height = 0] = size.split("x").map(Number)
  if (width * height > deployment.pixelsMax)
    return badRequest(`Invalid 'size': ${deployment.id} draws at most ${deployment.pixelsMax} pixels.`)
  const { format } = deployment.model.defaults
  return { wish: { deployment, prompt, inputs, width, height, format, seed: rolledSeed() }, n }
}
