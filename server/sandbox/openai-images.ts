// Pictures sent along to the edits of OpenAI: out of a form or out of JSON, and checked.
import { z } from "zod"
import { isRefusal, refuse, refuseByModel, refuseIssue } from "./openai-errors.ts"
import type { Refusal } from "./openai-errors.ts"
import { inspect } from "./picture.ts"
import type { Size } from "./picture.ts"

export type Images = {
  inputs: (Size & { bytes: Buffer })[]
  mask?: Buffer
  /** Addresses of pictures, which nobody fetches: they only vary what is painted. */
  texts: string[]
}

export const noImages: Images = { inputs: [], texts: [] }

type Upload = { bytes: Buffer; name: string }

/** A request for an edit, in fields and pictures. */
type Edit = { fields: Record<string, unknown>; images: Images }

const inputsMax = 16
const inputMaxBytes = 50 * 1024 * 1024
// The API's description says 4 MB and its guide 50 MB; the stricter one is imitated.
const maskMaxBytes = 4 * 1024 * 1024
const types = ["image/jpeg", "image/png", "image/webp"]

export async function readFormEdit(form: FormData): Promise<Edit | Refusal> {
  const fields: Record<string, unknown> = {}
  const uploads: Upload[] = []
  let mask: Upload | undefined
  for (const [name, value] of form) {
    if (typeof value === "string") {
      fields[name] = readFormValue(name, value)
      continue
    }
    const field = name.replace(/\[\d*\]$/, "")
    if (field !== "image" && field !== "mask")
      return refuse(400, `Unknown parameter: '${name}'.`, { param: name, code: "unknown_parameter" })
    if (!types.includes(value.type)) return refuseType(field, value.type)
    const upload = { bytes: Buffer.from(await value.arrayBuffer()), name: field }
    if (field === "mask") mask = upload
    else uploads.push(upload)
  }
  const images = await checkImages(uploads, mask, [])
  return isRefusal(images) ? images : { fields, images }
}

const refuseType = (field: string, type: string): Refusal =>
  refuse(
    400,
    `Invalid file '${field}': unsupported mimetype ('${type}'). Supported file formats are 'image/jpeg', 'image/png', and 'image/webp'.`,
    { param: field, code: "unsupported_file_mimetype" },
  )

/** A form knows only text; these fields are meant otherwise. */
function readFormValue(name: string, value: string): unknown {
  if (["n", "output_compression", "partial_images"].includes(name)) return /^-?\d{1,9}$/.test(value) ? +value : value
  if (name === "stream" && (value === "true" || value === "false")) return value === "true"
  return value
}

const Reference = z.strictObject({
  image_url: z.string().max(20_971_520).optional(),
  file_id: z.string().optional(),
})
const References = z.object({ images: z.array(Reference).min(1).max(inputsMax), mask: Reference.nullish() })

export async function readJsonEdit(given: Record<string, unknown>): Promise<Edit | Refusal> {
  const { images: _, mask: __, ...fields } = given
  const parsed = References.safeParse(given, { reportInput: true })
  if (!parsed.success) return refuseIssue(parsed.error.issues[0]!)
  const uploads: Upload[] = []
  const texts: string[] = []
  for (const [index, reference] of parsed.data.images.entries()) {
    const found = readReference(reference, `images[${index}]`)
    if (isRefusal(found)) return found
    if ("address" in found) texts.push(found.address)
    else uploads.push(found)
  }
  const mask = parsed.data.mask ? readReference(parsed.data.mask, "mask") : undefined
  if (mask && isRefusal(mask)) return mask
  // A mask behind an address would have to be fetched; the painting then has none.
  const images = await checkImages(uploads, mask && "bytes" in mask ? mask : undefined, texts)
  return isRefusal(images) ? images : { fields, images }
}

type Given = z.infer<typeof Reference>

function readReference(given: Given, name: string): Upload | { address: string } | Refusal {
  const { image_url: url, file_id: file } = given
  if ((url === undefined) === (file === undefined))
    return refuse(400, `Provide exactly one of 'image_url' or 'file_id'.`, { param: name, code: "invalid_value" })
  // The sandbox has no files API, so no file exists. UNVERIFIED: the code.
  if (url === undefined) return refuse(400, `No such File object: ${file}`, { param: name, code: "invalid_value" })
  const data = url.match(/^data:([^;,]*);base64,/)
  if (!data) {
    if (/^https?:\/\//i.test(url) && URL.canParse(url)) return { address: url }
    return refuse(400, "Invalid image URL: expected an https URL or a base64 data URL.", {
      param: `${name}.image_url`,
      code: "invalid_value",
    })
  }
  if (!types.includes(data[1]!)) return refuseType(name, data[1]!)
  return { bytes: Buffer.from(url.slice(data[0].length), "base64"), name }
}

async function checkImages(uploads: Upload[], mask: Upload | undefined, texts: string[]): Promise<Images | Refusal> {
  if (uploads.length + texts.length === 0)
    return refuse(400, "Missing required parameter: 'image'.", { param: "image", code: "missing_required_parameter" })
  if (uploads.length + texts.length > inputsMax)
    return refuse(400, `Invalid 'image': too many images. Expected at most ${inputsMax}.`, {
      param: "image",
      code: "array_above_max_length",
    })
  const inputs: Images["inputs"] = []
  for (const [index, { bytes, name }] of uploads.entries()) {
    if (bytes.length >= inputMaxBytes) return refuseSize(name, "50MB")
    const found = await inspect(bytes)
    // UNVERIFIED: the code.
    if (!found) return refuseByModel(`Invalid image file or mode for image ${index + 1}.`, name, "invalid_image_file")
    inputs.push({ bytes, width: found.width, height: found.height })
  }
  const refusal = mask && (await refuseMask(mask, inputs[0]))
  return refusal ?? { inputs, texts, ...(mask && { mask: mask.bytes }) }
}

const refuseSize = (name: string, limit: string): Refusal =>
  refuse(400, `Invalid file '${name}': the file must be less than ${limit}.`, {
    param: name,
    code: "file_above_max_size",
  })

/** UNVERIFIED: the code of these refusals. */
async function refuseMask({ bytes }: Upload, first: Size | undefined): Promise<Refusal | undefined> {
  const invalid = (why: string) =>
    refuseByModel(`Invalid mask image format - ${why}.`, "mask", "invalid_mask_image_format")
  if (bytes.length >= maskMaxBytes) return refuseSize("mask", "4MB")
  const found = await inspect(bytes)
  if (found?.format !== "png") return invalid("mask is not a PNG file")
  if (!found.hasAlpha) return invalid("mask image missing alpha channel")
  if (first && (found.width !== first.width || found.height !== first.height))
    return invalid("mask size does not match image size")
  return undefined
}
