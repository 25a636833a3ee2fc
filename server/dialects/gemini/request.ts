// Reads requests of Google's API: contents and a configuration for Gemini models, instances and parameters for Imagen.
import { GatewayError } from "../../errors.ts"
import type { Problem } from "../../errors.ts"

export type GeminiRequest = {
  parameters: Record<string, unknown>
  /** Where each of our parameters stands in Google's request, for messages about it. */
  names: Record<string, string>
  warnings: string[]
}

type Fields = Record<string, unknown>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const fieldsOf = (value: unknown): Fields => (isFields(value) ? value : {})

/** Google takes names in both spellings: `inline_data` is `inlineData`. */
function camel(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camel)
  if (!isFields(value)) return value
  const inCamel = (name: string) => name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [inCamel(name), camel(inner)]))
}

// Ours for Google's, by where it stands. What is not listed here is refused by name.
const ofImageConfig: Record<string, string> = {
  aspectRatio: "aspect_ratio",
  imageSize: "size",
  personGeneration: "person_generation",
  prominentPeople: "prominent_people",
}
const ofOutput: Record<string, string> = { mimeType: "output_format", compressionQuality: "output_compression" }
const ofConfig: Record<string, string> = { seed: "seed", candidateCount: "n" }
const ofParameters: Record<string, string> = {
  sampleCount: "n",
  numberOfImages: "n",
  aspectRatio: "aspect_ratio",
  sampleImageSize: "size",
  imageSize: "size",
  personGeneration: "person_generation",
  negativePrompt: "negative_prompt",
  seed: "seed",
  addWatermark: "watermark",
  enhancePrompt: "prompt_upsampling",
  guidanceScale: "guidance",
  language: "language",
  safetySetting: "safety_setting",
}

// About words, of which there are none in the answer, or about the caller's own books.
const meaningless = [
  ...["temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "presencePenalty", "frequencyPenalty"],
  ...["responseMimeType", "mediaResolution", "includeThoughts", "thinkingBudget", "includeRaiReason"],
  ...["includeSafetyAttributes", "safetySettings", "labels"],
]

type Reading = { parameters: Fields; names: Record<string, string>; warnings: string[]; problems: Problem[] }

const begin = (): Reading => ({ parameters: {}, names: {}, warnings: [], problems: [] })

function end({ problems, ...read }: Reading): GeminiRequest {
  if (problems.length === 0) return read
  const detail = problems.map(({ message }) => message).join("; ")
  throw new GatewayError({ code: "invalid_request", detail, problems })
}

/** Takes the fields of one object over, each under our name for it. */
function take(reading: Reading, at: string, given: Fields, names: Record<string, string>, elsewhere: string[] = []) {
  for (const [field, value] of Object.entries(given)) {
    const name = names[field]
    if (value === undefined || value === null || elsewhere.includes(field)) continue
    if (meaningless.includes(field)) reading.warnings.push(`${at}${field} means nothing here and was passed over`)
    else if (name === undefined)
      reading.problems.push({ param: `${at}${field}`, message: `${at}${field} is not known here` })
    else {
      reading.parameters[name] = value
      reading.names[name] = `${at}${field}`
    }
  }
}

/** The body of `:generateContent`. */
export function readContent(given: Fields): GeminiRequest {
  const body = camel(given) as Fields
  const reading = begin()
  const { contents, systemInstruction, generationConfig, tools } = body
  take(reading, "", body, {}, ["contents", "systemInstruction", "generationConfig", "tools", "model"])
  const turns = Array.isArray(contents) ? contents : isFields(contents) ? [contents] : []
  if (turns.length === 0) reading.problems.push({ param: "contents", message: "contents is missing" })
  const all = [fieldsOf(systemInstruction), ...turns.map(fieldsOf)]
  const parts = all.flatMap(({ role, parts: inner }) => [inner].flat().map((part) => ({ role, part: fieldsOf(part) })))
  const texts = parts.flatMap(({ role, part }) => (role === "model" || !part["text"] ? [] : [String(part["text"])]))
  const images = parts.flatMap(({ part }) => pictureOf(part, reading))
  reading.parameters["prompt"] = texts.join("\n")
  reading.names["prompt"] = "contents[].parts[].text"
  if (images.length > 0) reading.parameters["image"] = images
  reading.names["image"] = "contents[].parts[].inlineData"
  readConfig(reading, fieldsOf(generationConfig))
  readTools(reading, tools)
  return end(reading)
}

/** A picture in base64, which is a mark by now, or a link to one. */
function pictureOf({ inlineData, fileData }: Fields, { problems }: Reading): unknown[] {
  const { data } = fieldsOf(inlineData)
  const { fileUri } = fieldsOf(fileData)
  if (data !== undefined) return [data]
  if (fileUri === undefined) return []
  if (/^https?:/.test(String(fileUri))) return [fileUri]
  const param = "contents[].parts[].fileData.fileUri"
  problems.push({ param, message: `${param} must be an http(s) URL: there are no stored files of Google here` })
  return []
}

function readConfig(reading: Reading, config: Fields) {
  const at = "generationConfig."
  const nested = ["imageConfig", "thinkingConfig", "responseModalities"]
  take(reading, at, config, ofConfig, nested)
  const { imageConfig, thinkingConfig, responseModalities } = config
  const image = fieldsOf(imageConfig)
  take(reading, `${at}imageConfig.`, image, ofImageConfig, ["imageOutputOptions"])
  take(reading, `${at}imageConfig.imageOutputOptions.`, fieldsOf(image["imageOutputOptions"]), ofOutput)
  take(reading, `${at}thinkingConfig.`, fieldsOf(thinkingConfig), { thinkingLevel: "thinking_level" })
  withPlainWords(reading.parameters)
  if (!Array.isArray(responseModalities) || responseModalities.length === 0) return
  if (responseModalities.some((one) => /^image$/i.test(String(one)))) return
  const param = `${at}responseModalities`
  reading.problems.push({ param, message: `${param} must hold "IMAGE": this server makes pictures` })
}

function readTools(reading: Reading, tools: unknown) {
  for (const tool of Array.isArray(tools) ? tools : []) {
    take(reading, "tools[].", fieldsOf(tool), { googleSearch: "google_search" })
    if (reading.parameters["google_search"] !== undefined) reading.parameters["google_search"] = true
  }
}

// Google writes these in capitals, and in part in lower case as well.
const words = ["person_generation", "prominent_people", "safety_setting", "thinking_level"]

/** Google writes media types, prefixes and capitals where the parameters here are plain words. */
function withPlainWords(parameters: Fields) {
  const { output_format: format } = parameters
  if (typeof format === "string") parameters["output_format"] = format.replace(/^image\//, "")
  for (const name of words) {
    const value = parameters[name]
    if (typeof value === "string") parameters[name] = value.toLowerCase().replace(/_prominent_people$/, "")
  }
}

/** The body of `:predict`. */
export function readPredict(given: Fields): GeminiRequest {
  const { instances, parameters } = given
  const reading = begin()
  take(reading, "", given, {}, ["instances", "parameters", "model"])
  const [instance, ...others] = Array.isArray(instances) ? instances : [instances]
  if (others.length > 0) reading.problems.push({ param: "instances", message: "instances must be a list of one" })
  take(reading, "instances[].", fieldsOf(instance), { prompt: "prompt" })
  const wanted = fieldsOf(parameters)
  take(reading, "parameters.", wanted, ofParameters, ["outputOptions"])
  take(reading, "parameters.outputOptions.", fieldsOf(wanted["outputOptions"]), ofOutput)
  withPlainWords(reading.parameters)
  return end(reading)
}
