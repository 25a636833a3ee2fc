// Reads what a caller asked of a model: everything given is honoured, mapped to its documented equivalent, or refused.
import type { z } from "zod"
import { GatewayError } from "../errors.ts"
import type { Problem } from "../errors.ts"
import { nearest } from "../nearest.ts"
import type { Input, Model } from "./model.ts"

export type ReadInput = { input: Input; images: string[]; mask: string | undefined }

// What clients of several APIs call the same thing.
const commonSynonyms: Record<string, string> = {
  numberOfImages: "n",
  num_images: "n",
  images: "image",
  image_url: "image",
  image_urls: "image",
  refer_image: "image",
  input_image: "image",
  outputFormat: "output_format",
  aspectRatio: "aspect_ratio",
}

/**
 * Checks parameters against a model. Throws `invalid_request` that names every wrong one at once, with what is allowed.
 * `at` is where the parameters stand in the request ("input."), for the names in problems.
 */
export function readInput(model: Model, given: Record<string, unknown>, at = ""): ReadInput {
  const problems: Problem[] = []
  const wanted = withKnownNames(model, given, problems)
  const parsed = model.parameters.safeParse(wanted)
  if (!parsed.success) problems.push(...parsed.error.issues.flatMap((issue) => describeIssue(issue, model, wanted)))
  // What is wrong only together is said with the rest, about as much of it as is right by itself.
  const { image, mask, ...rest } = (parsed.success ? parsed.data : wanted) as Record<string, unknown>
  const read = { input: { n: 1, ...rest } as Input, images: list(image), mask: mask as string | undefined }
  const wrong = new Set(problems.map(({ param }) => param))
  problems.push(...brokenRules(model, read).filter(({ param }) => !wrong.has(param)))
  if (problems.length > 0) throw refusal(problems, at)
  return read
}

function brokenRules(model: Model, { input, images, mask }: ReadInput): Problem[] {
  const given = { input, images: images.length, mask: mask !== undefined }
  const alone = { param: "mask", message: "mask needs image, the picture it belongs to" }
  return [...model.rules.flatMap((rule) => rule(given) ?? []), ...(given.mask && given.images === 0 ? [alone] : [])]
}

const list = (value: unknown): string[] => (value === undefined ? [] : Array.isArray(value) ? value : [value as string])

export function refusal(problems: Problem[], at = ""): GatewayError {
  const named = problems.map(({ param, message }) => ({ param: `${at}${param}`, message }))
  return new GatewayError({
    code: "invalid_request",
    detail: named.map(({ message }) => message).join("; "),
    problems: named,
  })
}

/** Renames synonyms and drops what says nothing: null, and an empty reference picture. */
function withKnownNames(model: Model, given: Record<string, unknown>, problems: Problem[]): Record<string, unknown> {
  const known = Object.keys(model.parameters.shape)
  // Without a prototype, so that a parameter named "constructor" is as unknown as any other.
  const wanted = Object.create(null) as Record<string, unknown>
  for (const [name, value] of Object.entries(given)) {
    const synonym = model.synonyms[name] ?? commonSynonyms[name]
    const param = !known.includes(name) && synonym !== undefined && known.includes(synonym) ? synonym : name
    if (value === null || value === undefined || saysNothing(synonym ?? name, value)) continue
    if (param in wanted) {
      problems.push({ param: name, message: `${name} and another name of ${param} are both given` })
      continue
    }
    wanted[param] = param === "image" ? withoutEmpty(value) : equivalent(model, param, value)
  }
  return wanted
}

/** Several clients send an empty reference picture with every request. */
const saysNothing = (param: string, value: unknown): boolean =>
  (param === "image" || param === "mask") &&
  (value === "" || (Array.isArray(value) && value.every((item) => item === "")))

const withoutEmpty = (value: unknown): unknown =>
  Array.isArray(value) && value.length > 1 ? value.filter((item) => item !== "") : value

/** The documented spelling of a value that clients write in several ways. */
function equivalent(model: Model, param: string, value: unknown): unknown {
  if (typeof value !== "string") return value
  if (param === "size") {
    const spelled = value.replace(/^(\d+)\s*[*×xX]\s*(\d+)$/, "$1x$2")
    return /^[1-9]k$/.test(spelled) ? spelled.toUpperCase() : spelled
  }
  if (param === "aspect_ratio") return value.replace(/^(\d+)\s*[x/]\s*(\d+)$/i, "$1:$2")
  if (param === "output_format" && value === "jpg") return "jpeg"
  return value
}

function describeIssue(issue: z.core.$ZodIssue, model: Model, wanted: Record<string, unknown>): Problem[] {
  const param = issue.path.join(".")
  if (issue.code === "unrecognized_keys" && param !== "")
    return issue.keys.map((name) => ({ param, message: `${param} takes no ${name}` }))
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(model.parameters.shape)
    return issue.keys.map((name) => {
      const [near] = nearest(name, known)
      const hint = near ? `; did you mean ${near}?` : `; it takes ${known.join(", ")}`
      return { param: name, message: `${model.id} has no parameter ${name}${hint}` }
    })
  }
  if (issue.path.length > 0 && wanted[String(issue.path[0])] === undefined)
    return [{ param, message: `${param} is missing` }]
  return [{ param, message: `${param} ${allowed(issue)}` }]
}

/** Completes "size …": what the value would have to be. */
function allowed(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_value") return `must be ${issue.values.map((value) => JSON.stringify(value)).join(", ")}`
  if (issue.code === "invalid_type")
    return `must be ${issue.expected === "int" ? "a whole number" : `of type ${issue.expected}`}`
  if (issue.code === "too_big") return `must be ${of(issue.origin, issue.maximum, "at most")}`
  if (issue.code === "too_small") return `must be ${of(issue.origin, issue.minimum, "at least")}`
  if (issue.code === "not_multiple_of") return `must be a multiple of ${issue.divisor}`
  if (issue.code === "invalid_format") return `must match ${issue.pattern ?? issue.format}`
  if (issue.code === "invalid_union") {
    // A list of strings that is too long is wrong for its length, not for its type.
    const closer = issue.errors.flat().find(({ code }) => code !== "invalid_type")
    return closer ? allowed(closer) : "must be a string or a list of strings"
  }
  return `is not valid: ${issue.message}`
}

function of(origin: string, limit: number | bigint, bound: string): string {
  if (origin === "string") return `${bound} ${limit} characters long`
  if (origin === "array") return `a list of ${bound} ${limit}`
  return `${bound} ${limit}`
}
