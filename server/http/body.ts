// Reads what callers send: JSON or a form, with pictures going straight into drafts in storage.
import type { Readable } from "node:stream"
import type { FastifyRequest } from "fastify"
import type { App } from "../app.ts"
import { BodyError } from "../bodies/draft.ts"
import { readJson } from "../bodies/read.ts"
import { pictureMark } from "../bodies/scanner.ts"
import { GatewayError } from "../errors.ts"
import type { Sealed } from "../storage/storage.ts"

export type ReceivedBody = { value: Record<string, unknown>; received: Map<string, Sealed> }

type Needs = Pick<App, "config" | "storage">

// The parameters of all dialects that hold pictures. Anything else is text, however long.
const pictureKeys =
  /^(?:images?|image\[\]|mask|(?:refer|input)_image(?:_\d)?|image_(?:url|prompt)s?|url|data|bytesBase64Encoded|thought_?[sS]ignature)$/

/** A picture, unless it is a link to one or the id of a stored one. */
const isPicture = (key: string, head: string): boolean => pictureKeys.test(key) && !/^(?:https?:\/\/|img_)/i.test(head)

const textMaxBytes = 1_000_000
const depthMax = 32
const filesMax = 17 // 16 references and a mask
// A conversation with Google's models brings a signature with each of its pictures.
const picturesMax = 40

const typeOf = (request: FastifyRequest): string | undefined =>
  request.headers["content-type"]?.split(";")[0]?.trim().toLowerCase()

/** What a route's body may be, beside JSON with pictures in it. */
export type Taken = {
  /** Forms as well. */
  forms: boolean
  /** No pictures: text alone, and little of it. */
  plain: boolean
}

/** Rejects with GatewayError: `too_large`, `media_type_not_allowed`, or `invalid_request` naming the parameter. */
export async function readBody(app: Needs, request: FastifyRequest, { forms, plain }: Taken): Promise<ReceivedBody> {
  const type = typeOf(request)
  checkCoding(request)
  try {
    if (type === "multipart/form-data" && forms) return await readForm(app, request)
    if (type === "application/json" || type?.endsWith("+json"))
      return await readJsonBody(app, request.body as Readable, plain)
  } catch (error) {
    throw asFailure(error)
  }
  const taken = forms ? "application/json or multipart/form-data" : "application/json"
  throw new GatewayError({
    code: "media_type_not_allowed",
    detail: `Send the body as ${taken}, and say so in Content-Type.`,
  })
}

/** Bodies come as they are, in UTF-8. */
function checkCoding({ headers }: FastifyRequest) {
  const charset = /charset="?([^";\s]+)/i.exec(headers["content-type"] ?? "")?.[1]?.toLowerCase() ?? "utf-8"
  const coding = headers["content-encoding"]?.toLowerCase() ?? "identity"
  if (["utf-8", "utf8", "us-ascii"].includes(charset) && coding === "identity") return
  const detail = "Send the body in UTF-8 and without a Content-Encoding."
  throw new GatewayError({ code: "media_type_not_allowed", detail })
}

// What a picture may be called on its way; what it is, its bytes say.
const pictureTypes = ["image/png", "image/jpeg", "image/webp", "application/octet-stream"]

/** A body that is a picture and nothing else. Rejects as `readBody` does. */
export async function readPicture(app: Needs, request: FastifyRequest): Promise<ReceivedBody> {
  const type = typeOf(request)
  if (type === undefined || !pictureTypes.includes(type))
    throw new GatewayError({
      code: "media_type_not_allowed",
      detail: `Send the picture's bytes as the body, with a Content-Type of ${pictureTypes.join(", ")}.`,
    })
  const maxBytes = app.config.uploadMaxMb * 1_000_000
  try {
    if (Number(request.headers["content-length"] ?? 0) > maxBytes) throw tooLarge("The picture", maxBytes)
    const sealed = await readFile(app, upTo(request.body as Readable, maxBytes, "The picture"), "picture")
    return { value: {}, received: new Map([[pictureMark(0), sealed]]) }
  } catch (error) {
    throw asFailure(error)
  }
}

const never = () => false

async function readJsonBody(app: Needs, stream: Readable, plain: boolean): Promise<ReceivedBody> {
  const uploadMaxBytes = app.config.uploadMaxMb * 1_000_000
  const bodyMaxBytes = plain ? textMaxBytes : app.config.bodyMaxMb * 1_000_000
  const { value, pictures } = await readJson<Sealed>(upTo(stream, bodyMaxBytes), {
    ...{ isPicture: plain ? never : isPicture, textMaxBytes, depthMax, picturesMax, strict: true },
    pictureMaxBytes: uploadMaxBytes,
    openDraft: app.storage.draft,
    forget: (sealed) => sealed.discard(),
  })
  const received = new Map(pictures.map(({ sealed }, index) => [pictureMark(index), sealed]))
  if (typeof value === "object" && value !== null && !Array.isArray(value))
    return { value: value as Record<string, unknown>, received }
  await forgetAll(received)
  throw new GatewayError({ code: "invalid_request", detail: "The body must be a JSON object." })
}

const tooLarge = (what: string, maxBytes: number) =>
  new BodyError("too_large", `${what} is larger than ${maxBytes} bytes.`)

async function* upTo(stream: Readable, maxBytes: number, what = "The body"): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge(what, maxBytes)
    yield chunk
  }
}

const formLimits = {
  ...{ files: filesMax, fields: 100, parts: 120, fieldSize: textMaxBytes },
  // Bytes of a name, and headers of a part.
  ...{ fieldNameSize: 200, headerPairs: 20 },
}

async function readForm(app: Needs, request: FastifyRequest): Promise<ReceivedBody> {
  const received = new Map<string, Sealed>()
  const value: Record<string, unknown> = {}
  const fileSize = app.config.uploadMaxMb * 1_000_000
  try {
    let textBytes = 0
    for await (const part of request.parts({ limits: { ...formLimits, fileSize } })) {
      const name = part.fieldname.replace(/\[\d*\]$/, "")
      if (part.type === "field") {
        if (part.fieldnameTruncated) throw new BodyError("broken", "A field has too long a name.")
        textBytes += Buffer.byteLength(String(part.value))
        if (part.valueTruncated || textBytes > textMaxBytes)
          throw new BodyError("too_large", `There are more than ${textMaxBytes} bytes besides pictures.`, name)
        add(value, name, part.value)
      } else {
        const mark = pictureMark(received.size)
        received.set(mark, await readFile(app, part.file, name))
        add(value, name, mark)
      }
    }
    return { value, received }
  } catch (error) {
    await forgetAll(received)
    throw error
  }
}

async function readFile(
  app: Needs,
  file: AsyncIterable<Buffer> & { truncated?: boolean },
  name: string,
): Promise<Sealed> {
  const draft = await app.storage.draft()
  try {
    for await (const chunk of file) await draft.write(chunk)
    if (file.truncated) throw new BodyError("too_large", `${name} is larger than ${app.config.uploadMaxMb} MB.`, name)
    return await draft.seal()
  } catch (error) {
    await draft.discard()
    throw error
  }
}

/** A name given several times becomes a list. */
function add(value: Record<string, unknown>, name: string, item: unknown) {
  if (name in Object.prototype) throw notAllowed()
  const known = value[name]
  value[name] = known === undefined ? item : Array.isArray(known) ? [...known, item] : [known, item]
}

const notAllowed = () => new BodyError("broken", "A field has a name that is not allowed.")

export async function forgetAll(received: ReadonlyMap<string, Sealed>): Promise<void> {
  for (const sealed of received.values()) await sealed.discard()
}

function asFailure(error: unknown): unknown {
  if (error instanceof BodyError) {
    const code = error.reason === "too_large" ? "too_large" : "invalid_request"
    const problems = error.key ? [{ param: error.key, message: `${error.key}: ${error.message}` }] : undefined
    return new GatewayError(
      { code, detail: problems?.[0]?.message ?? error.message, ...(problems ? { problems } : {}) },
      error,
    )
  }
  const { code, statusCode } = error as { code?: string; statusCode?: number }
  if (code === "FST_PROTO_VIOLATION") return asFailure(notAllowed())
  if (statusCode === 413) return new GatewayError({ code: "too_large", detail: "The form has too much in it." }, error)
  // What multipart parsers throw at a form that breaks off or has no boundary.
  if (/Unexpected end|Malformed|Boundary|Multipart/i.test(String((error as Error).message)) || code === "ECONNRESET")
    return new GatewayError({ code: "invalid_request", detail: "The form is broken." }, error)
  return error
}
