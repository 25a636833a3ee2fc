// What AIHubMix's answers mean: every family has a form of its own, and so has every age of the documents. Reference: its
// documents, and what its published clients read.
import { z } from "zod"
import type { AnsweredPicture, Outcome, VendorFailure } from "./provider.ts"
import { readUsage } from "./wires/openaiImages.ts"

const checkAfterMs = 750

const text = z.string().nullish().catch(null)

const Item = z.object({ url: text, bytesBase64: text, b64_json: text, base64_json: text, taskId: text })
const List = z.array(z.union([z.string(), Item, z.null()]).catch(null))

const Answer = z.object({
  output: z
    .union([List, z.object({ b64_json: List.nullish().catch(null), urls: List.nullish().catch(null) })])
    .nullish()
    .catch(null),
  data: List.nullish().catch(null),
  usage: z.unknown().optional(),
  status: text,
  error: z
    .object({ code: z.enum(["provider_unavailable", "provider_timeout", "outcome_unknown"]) })
    .nullish()
    .catch(null),
  result: z
    .object({ sample: text, samples: List.nullish().catch(null), seed: z.int().nullish().catch(null) })
    .nullish()
    .catch(null),
})
type Answer = z.infer<typeof Answer>

// The words of the documents, and those that its clients have met or look out for.
const done = ["ready", "succeeded", "completed", "success", "done"]
const failed: VendorFailure = { code: "provider_error", ofTask: true }
const endings: Record<string, VendorFailure> = {
  "request moderated": {
    code: "content_refused",
    refused: "prompt",
    detail: "The vendor's filter refused the prompt or a reference picture.",
  },
  "content moderated": {
    code: "content_refused",
    refused: "picture",
    detail: "The vendor's filter refused the picture that was made.",
  },
  "task not found": { code: "outcome_unknown", detail: "The vendor no longer knows this task." },
  ...{ error: failed, failed, canceled: failed, cancelled: failed },
}

export function readResponse(body: unknown): Outcome {
  const answer = Answer.parse(body)
  const task = Array.isArray(answer.output) ? answer.output.flatMap(taskOf)[0] : undefined
  // The address beside it is another vendor's, which must not get this key.
  if (task !== undefined) return { state: "pending", check: { method: "GET", path: `/tasks/${task}` }, checkAfterMs }
  const status = answer.status?.toLowerCase()
  const failure = status !== undefined && Object.hasOwn(endings, status) ? endings[status] : undefined
  // Another Atelier says more than the documents' one word for what failed.
  if (failure === failed && answer.error) return { state: "failed", failure: { ...answer.error, ofTask: true } }
  if (failure) return { state: "failed", failure }
  if (status !== undefined && !done.includes(status)) return { state: "pending", checkAfterMs }
  return { state: "done", pictures: picturesIn(answer), ...readUsage(answer.usage) }
}

/** An id with dots in it, but not one that leads elsewhere. */
function taskOf(item: z.infer<typeof List>[number]): string[] {
  const id = typeof item === "object" ? item?.taskId : undefined
  return id && /\w/.test(id) ? [encodeURIComponent(id)] : []
}

/** The first place that holds any: the others say the same again, for clients that look only there. */
function picturesIn({ result, output, data }: Answer): AnsweredPicture[] {
  const samples = result?.samples?.length ? result.samples : [result?.sample ?? null]
  const listed = Array.isArray(output) ? output : [...(output?.b64_json ?? []), ...(output?.urls ?? [])]
  const notes = typeof result?.seed === "number" ? { notes: { seed: result.seed } } : {}
  const places = [samples, listed, data ?? []].map((place) => place.flatMap(pictureOf))
  return (places.find((place) => place.length > 0) ?? []).map((picture) => ({ ...picture, ...notes }))
}

function pictureOf(item: z.infer<typeof List>[number]): AnsweredPicture[] {
  if (typeof item === "string")
    return /^https?:\/\//i.test(item) ? [{ url: secure(item) }] : item ? [{ mark: item }] : []
  const mark = item?.bytesBase64 || item?.b64_json || item?.base64_json
  if (mark) return [{ mark }]
  return item?.url ? [{ url: secure(item.url) }] : []
}

/** Links lead to the vendors behind, whose hosts all speak https. */
const secure = (url: string): string =>
  url.replace(/^http:(?=\/\/[\w.-]+\.(?:volces\.com|bcebos\.com|bfl\.ai|ideogram\.ai|aliyuncs\.com)\/)/i, "https:")
