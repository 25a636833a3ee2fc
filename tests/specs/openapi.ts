// What vendors themselves say of their APIs, to hold our requests and the sandbox's answers against. Their descriptions
// are no part of this project: ATELIER_VENDOR_SPECS names a folder that has them, and without it these tests are skipped.
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { Ajv2020 } from "ajv/dist/2020.js"
import type { ErrorObject, ValidateFunction } from "ajv/dist/2020.js"
import formats from "ajv-formats"
import { parse } from "yaml"

const folder = process.env["ATELIER_VENDOR_SPECS"] ?? ""

/** The options of a suite that needs the descriptions. What it reads it must read inside. */
export const needsSpecs = folder === "" ? { skip: "ATELIER_VENDOR_SPECS is not set" } : {}

/** A description of another kind can be turned into one of these: paths, their methods, and schemas they refer to. */
export type OpenApi = { paths: Record<string, Node>; components?: Node }

type Node = { [name: string]: unknown }

/** Fields are texts; files are known by the names of their parts. */
export type Form = { fields: Record<string, string>; files: string[] }

/** An operation is written "POST /v1/pictures". What is wrong is told in lines; none where all is as described. */
export type Description = {
  /** Fields that the operation does not know are wrong as well. */
  request: (operation: string, body: unknown) => string[]
  form: (operation: string, form: Form) => string[]
  answer: (operation: string, status: number, body: unknown, type?: string) => string[]
}

/** Reads a file of the folder, as JSON or YAML. */
export function readSpec(name: string): unknown {
  const text = readFileSync(join(folder, name), "utf8")
  return name.endsWith(".json") ? JSON.parse(text) : parse(text)
}

export function describeApi(document: OpenApi): Description {
  const check = checker(document, {})
  // A form has text only, so that numbers and truth values are read out of it.
  const checkForm = checker(document, { coerceTypes: "array" })
  const body = (operation: string, type: string) => [...locate(document, operation), "requestBody", "content", type]
  return {
    request: (operation, value) => check(body(operation, "application/json"), value, true),
    form: (operation, form) => checkForm(body(operation, "multipart/form-data"), readForm(form), true),
    answer(operation, status, value, type = "application/json") {
      const place = [...locate(document, operation), "responses"]
      const { node } = find(document, place)
      const described = [String(status), `${Math.floor(status / 100)}XX`, "default"].find((name) => name in node)
      return described === undefined
        ? [`${operation} has no answer ${status}`]
        : check([...place, described, "content", type], value, false)
    },
  }
}

/** Where the operation stands in the document. */
function locate({ paths }: OpenApi, operation: string): string[] {
  const [, method = "", path = ""] = operation.match(/^([A-Z]+) ([^?]*)/) ?? []
  const template = path in paths ? path : Object.keys(paths).find((one) => patternOf(one).test(path))
  const found = template === undefined ? undefined : paths[template]
  if (template === undefined || !found || !(method.toLowerCase() in found))
    throw new Error(`the description has no ${operation}`)
  return ["paths", template, method.toLowerCase()]
}

/** "/models/{model}" stands for any model; Google writes a verb after it, with a colon. */
const patternOf = (template: string): RegExp =>
  new RegExp(`^${template.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{[^}]*\}/g, "[^/:]+")}$`)

/** Follows the steps, and the references on the way. `place` is where it came out. */
function find(document: OpenApi, steps: string[]): { node: Node; place: string[] } {
  let place: string[] = []
  let node: Node = document
  for (const step of steps) {
    if (!(step in node)) throw new Error(`the description has no ${[...place, step].join(" ")}`)
    place = [...place, step]
    node = node[step] as Node
    const reference = node["$ref"]
    if (typeof reference === "string") ({ node, place } = find(document, readPointer(reference)))
  }
  return { node, place }
}

const readPointer = (reference: string): string[] =>
  reference
    .replace(/^#\//, "")
    .split("/")
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"))

const writePointer = (steps: string[]): string =>
  steps.map((step) => encodeURIComponent(step.replaceAll("~", "~0").replaceAll("/", "~1"))).join("/")

type Check = (media: string[], value: unknown, knownFieldsOnly: boolean) => string[]

function checker(document: OpenApi, options: { coerceTypes?: "array" }): Check {
  const ajv = new Ajv2020({
    strict: false,
    allErrors: true,
    verbose: true,
    validateSchema: false,
    logger: false,
    ...options,
  })
  formats.default(ajv)
  ajv.addSchema(withoutNullable(document), "api")
  const compiled = new Map<string, ValidateFunction>()
  return (media, value, knownFieldsOnly) => {
    const $ref = `api#/${writePointer([...find(document, media).place, "schema"])}`
    const key = `${$ref} ${knownFieldsOnly}`
    const validate =
      compiled.get(key) ?? ajv.compile(knownFieldsOnly ? { $ref, unevaluatedProperties: false } : { $ref })
    compiled.set(key, validate)
    return validate(value) ? [] : phrase(validate.errors ?? [])
  }
}

/** The older word for what may be null, which the checker takes only beside a type. */
function withoutNullable(document: OpenApi): Node {
  return JSON.parse(JSON.stringify(document), (_, value: unknown) => {
    if (typeof value !== "object" || value === null || (value as Node)["nullable"] !== true) return value
    const { nullable: _nullable, ...rest } = value as Node
    return { anyOf: [rest, { type: "null" }] }
  }) as Node
}

/** "guidance must be <= 10", "body must have required property 'prompt'". */
function phrase(errors: ErrorObject[]): string[] {
  // That it could have been null or something else again helps nobody.
  const telling = errors.filter(({ keyword, message }) => !/^(any|one)Of$/.test(keyword) && message !== "must be null")
  return [...new Set((telling.length > 0 ? telling : errors).map(phraseOne))]
}

function phraseOne({ instancePath, message, params, data }: ErrorObject): string {
  const where = instancePath.slice(1).replaceAll("/", ".") || "body"
  const { unevaluatedProperty, additionalProperty, allowedValues } = params as Node
  const unknown = unevaluatedProperty ?? additionalProperty
  if (unknown !== undefined) return `${where} has a field that is not described: ${String(unknown)}`
  if (allowedValues === undefined) return `${where} ${message}`
  return `${where} must be one of ${JSON.stringify(allowedValues)}, not ${JSON.stringify(data)?.slice(0, 80)}`
}

/** Parts of one name, or whose name ends in brackets, are a list. */
function readForm({ fields, files }: Form): Node {
  const parts = [...Object.entries(fields), ...files.map((name) => [name, "bytes"] as const)]
  const read: Record<string, unknown> = {}
  for (const [name, value] of parts) {
    const field = name.replace(/\[\w*\]$/, "")
    const before = read[field]
    if (before === undefined) read[field] = field === name ? value : [value]
    else read[field] = [...(Array.isArray(before) ? (before as unknown[]) : [before]), value]
  }
  return read
}

/** Where a description is known to be behind its API: what it finds wrong, and why it is right all the same. */
export type Exception = { fault: RegExp; reason: string }

/** Takes out what the exceptions explain. An exception that explains nothing any more is itself a fault. */
export function createExcuses(exceptions: Exception[]) {
  const used = new Set<Exception>()
  return {
    apply: (faults: string[]): string[] =>
      faults.filter((fault) => {
        const known = exceptions.find((exception) => exception.fault.test(fault))
        if (known) used.add(known)
        return !known
      }),
    unused: (): string[] => exceptions.filter((one) => !used.has(one)).map(({ fault }) => String(fault)),
  }
}
