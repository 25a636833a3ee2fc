// The HTTP side of the house: takes calls, finds who calls, reads bodies, sends answers, phrases failures.
import type { Socket } from "node:net"
import multipart from "@fastify/multipart"
import { fastify } from "fastify"
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { mayDo } from "../accounts/keys.ts"
import type { KeyHolder } from "../accounts/keys.ts"
import { planOf } from "../accounts/plans.ts"
import type { App } from "../app.ts"
import { GatewayError } from "../errors.ts"
import type { Failure, FailureCode } from "../errors.ts"
import { newId } from "../ids.ts"
import type { Sealed } from "../storage/storage.ts"
import { authenticate } from "./authenticate.ts"
import { mountDocs } from "./docs.ts"
import { forgetAll, readBody, readPicture } from "./body.ts"
import { sendImage } from "./image.ts"
import { limitHeaders } from "./limits.ts"
import type { Verdict } from "./limits.ts"
import { addressOf, originOf, trustedProxies } from "./origin.ts"
import { networkOf } from "../addresses.ts"
import { withPatience } from "./patience.ts"
import { readRepeat } from "./repeat.ts"
import type { Answer, Call, Phrase, Route } from "./route.ts"
import { safeHeaders, secureHeaders } from "./safeHeaders.ts"
import { breakOff, sendEvents, sendJson } from "./send.ts"
import { methodsAt, unknownPath } from "./unknown.ts"
import { checkBody, readValues } from "./values.ts"
import { watchRequest } from "./watched.ts"

type Options = {
  app: App
  routes: Route[]
  /** For paths that belong to no route. */
  phrase: Phrase
}

const headersMaxBytes = 16 * 1024
const headersMaxMs = 10_000
const headersCheckMs = 1_000

export async function createServer({ app, routes, phrase }: Options): Promise<FastifyInstance> {
  const server = fastify({
    logger: false,
    // Bodies are streams that count their own bytes.
    bodyLimit: Number.MAX_SAFE_INTEGER,
    trustProxy: trustedProxies(app),
    genReqId: () => newId("req"),
    http: {
      ...{ maxHeaderSize: headersMaxBytes, headersTimeout: headersMaxMs, requestTimeout: 0 },
      // Node looks for slow heads only this often.
      connectionsCheckingInterval: headersCheckMs,
    },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 512 },
    // A connection that is still being answered is not cut when the server stops.
    forceCloseConnections: "idle",
    // What is not HTTP, or has too large or too slow a head.
    clientErrorHandler: answerBrokenHttp(phrase),
    // A path it cannot decode; no hook runs for it.
    frameworkErrors: (error, request, reply) => {
      reply.header("x-request-id", request.id)
      void answerFailure(app, request, reply, phrase, error)
    },
  })
  // Only routes mounted after it know it.
  server.setErrorHandler((error, request, reply) => answerFailure(app, request, reply, phrase, error))
  server.removeAllContentTypeParsers()
  await server.register(multipart)
  server.addContentTypeParser("*", (_request, payload, done) => done(null, payload))
  const always = { ...safeHeaders, ...secureHeaders(app.config.publicUrl) }
  server.addHook("onRequest", async (request, reply) => {
    reply.headers(always).header("x-request-id", request.id)
    // Until it is known who calls.
    tellLimit(app, reply, await app.limiter.look(networkOf(addressOf(request)), wrongKeys, app.clock.now()))
  })
  for (const route of routes) mount(server, app, route)
  mountDocs(server, routes)
  server.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(routes, request)
    watchRequest(app, "unknown", request, reply)
    if (methods.length > 0) reply.header("allow", methods.join(", "))
    return answerFailure(app, request, reply, phrase, unknownPath(methods, request))
  })
  return server
}

const brokenHttp: Record<string, { status: string; failure: Failure }> = {
  HPE_HEADER_OVERFLOW: {
    status: "431 Request Header Fields Too Large",
    failure: { code: "invalid_request", detail: `The headers are larger than ${headersMaxBytes} bytes.` },
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: "408 Request Timeout",
    failure: { code: "too_slow", detail: `The headers took longer than ${headersMaxMs / 1000} seconds.` },
  },
}

const notHttp = {
  status: "400 Bad Request",
  failure: { code: "invalid_request", detail: "This is not valid HTTP." } as Failure,
}

const answerBrokenHttp =
  (phrase: Phrase) =>
  (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === "ECONNRESET" || !socket.writable) return void socket.destroy()
    const { status, failure } = brokenHttp[error.code ?? ""] ?? notHttp
    const requestId = newId("req")
    const text = JSON.stringify(phrase(failure, requestId).body)
    const head = [
      "content-type: application/json",
      `content-length: ${Buffer.byteLength(text)}`,
      `x-request-id: ${requestId}`,
    ]
    socket.end(`HTTP/1.1 ${status}\r\n${head.join("\r\n")}\r\nconnection: close\r\n\r\n${text}`)
  }

function mount(server: FastifyInstance, app: App, route: Route) {
  server.route({
    method: takesHead(route) ? ["GET", "HEAD"] : route.method,
    exposeHeadRoute: false,
    url: urlOf(route.path),
    handler: async (request, reply) => {
      const traceparent = watchRequest(app, route.path, request, reply)
      try {
        await serve(app, route, request, reply, traceparent)
      } catch (error) {
        await answerFailure(app, request, reply, route.phrase, error)
      }
      return reply
    },
  })
}

/** In the router's spelling, which writes a colon that means itself twice. */
const urlOf = (path: string): string =>
  path
    .replaceAll(":", "::")
    .replaceAll(/\{(\w+)\}::/g, ":$1(^[^:]+)::")
    .replaceAll(/\{(\w+)\}/g, ":$1")

/** A stream of events has no length and no end to tell beforehand. */
const takesHead = ({ method, answers }: Route): boolean =>
  method === "GET" && !answers.some(({ type }) => type === "text/event-stream")

async function serve(
  app: App,
  route: Route,
  request: FastifyRequest,
  reply: FastifyReply,
  traceparent: string | undefined,
): Promise<void> {
  const holder = needsKey(route, request) ? await recognise(app, route, request) : nobody
  if (holder !== nobody) {
    checkScope(route, holder)
    await count(app, route, holder, reply)
  }
  const caller = { ...holder, request: { id: request.id, traceparent } }
  if (app.stopping.aborted && route.method !== "GET") throw new GatewayError({ code: "unavailable" })
  const params = readValues(route.params, request.params)
  const query = readValues(route.query, request.query)
  const { value, received } = await readWhatCame(app, route, request)
  try {
    const body = route.body && !route.checksItself ? checkBody(route.body, value) : value
    const takesRepeats = route.counted === true || route.takesRepeats === true
    const repeat = takesRepeats ? repeatOf(request, reply, value, received) : undefined
    const call = { app, caller, params, query, body, received, repeat, ...contextOf(app, request, reply) } as Call
    try {
      await sendAnswer(app, request, reply, await route.handle(call))
    } finally {
      // A failure is an answer as well; who has hung up has neither.
      if (repeat && !reply.raw.destroyed) await app.noteDelivered(caller.projectId, repeat)
    }
  } finally {
    await forgetAll(received)
  }
}

const repeatOf = (request: FastifyRequest, reply: FastifyReply, body: unknown, received: Map<string, Sealed>) =>
  readRepeat(
    { method: request.method, path: request.url.split("?")[0]!, headers: request.headers, body, received },
    () => reply.header("idempotent-replayed", "true"),
  )

// Of one address; the right key is let through all the same.
const wrongKeys = { requests: 20, seconds: 60 }

async function recognise(app: App, route: Route, request: FastifyRequest): Promise<KeyHolder> {
  try {
    return await authenticate(app, request.headers, addressOf(request), route.keyHeader)
  } catch (error) {
    if (!(error instanceof GatewayError) || error.failure.code !== "invalid_key") throw error
    const { allowed, retryAfterSeconds } = await app.limiter.take(
      networkOf(addressOf(request)),
      wrongKeys,
      app.clock.now(),
    )
    if (allowed) throw error
    const detail = "Too many wrong keys came from this address."
    throw new GatewayError({ code: "rate_limited", detail, retryAfterSeconds }, error)
  }
}

function checkScope(route: Route, { scopes }: KeyHolder): void {
  const scope = route.scope ?? (route.counted === true ? "generate" : route.method === "GET" ? "read" : "manage")
  if (mayDo(scopes, scope)) return
  throw new GatewayError({ code: "missing_scope", detail: `This key may not do that: it lacks the scope ${scope}.` })
}

/** Holds a key to its own limit and its project to its plan, and tells where the tighter one stands. Throws `rate_limited`. */
async function count(app: App, route: Route, caller: KeyHolder, reply: FastifyReply): Promise<void> {
  const { title, requests_per_hour: planned } = planOf(app.plans, caller.plan)
  const own = caller.requestsPerHour
  const ask = (name: string, requests: number) =>
    app.planLimiter[route.counted === true ? "take" : "look"](name, { requests, seconds: 3600 }, app.clock.now())
  // What its own limit refuses takes nothing from the project's.
  const key = own === null ? undefined : await ask(`key ${caller.keyId}`, own)
  const verdict = key?.allowed === false ? key : await ask(`project ${caller.projectId}`, planned)
  tellLimit(app, reply, key && key.remaining < verdict.remaining ? key : verdict)
  if (route.counted !== true || verdict.allowed) return
  const who = verdict === key ? "This key" : `The plan ${title}`
  const detail = `${who} takes ${verdict.limit.requests} requests an hour that make or upload pictures.`
  throw new GatewayError({ code: "rate_limited", detail, retryAfterSeconds: verdict.retryAfterSeconds })
}

const tellLimit = (app: App, reply: FastifyReply, verdict: Verdict) =>
  reply.headers(limitHeaders(verdict, app.clock.now()))

async function readWhatCame(app: App, route: Route, request: FastifyRequest) {
  const { takesPicture = false, takesForms: forms = false, plain = false } = route
  if (!takesPicture && !route.body) return { value: undefined, received: new Map<string, Sealed>() }
  const reading = takesPicture ? readPicture(app, request) : readBody(app, request, { forms, plain })
  return withPatience(request, app.config.bodyStallSeconds, reading)
}

/** A signed link carries its own proof, which the route checks. */
const needsKey = (route: Route, request: FastifyRequest): boolean =>
  route.access === "key" ||
  (route.access === "key or link" && (request.query as { signature?: unknown }).signature === undefined)

const nobody: KeyHolder = {
  ...{ projectId: "", keyId: "", mode: "test", plan: "", scopes: [], models: null, requestsPerHour: null },
}

function contextOf(app: App, request: FastifyRequest, reply: FastifyReply) {
  const over = new AbortController()
  const end = () => over.abort()
  app.closing.addEventListener("abort", end)
  reply.raw.once("close", () => {
    app.closing.removeEventListener("abort", end)
    // Aborting makes an error with a stack, for nobody where the answer has been sent.
    if (!reply.raw.writableFinished) end()
  })
  return { requestId: request.id, headers: request.headers, origin: originOf(app, request), signal: over.signal }
}

async function sendAnswer(app: App, request: FastifyRequest, reply: FastifyReply, answer: Answer): Promise<void> {
  reply.headers(answer.headers ?? {})
  if ("json" in answer) return sendJson(reply, answer.status, answer.json)
  if ("events" in answer) return sendEvents(reply, answer.events)
  if ("image" in answer) return sendImage(app, request, reply, answer.image, answer.cache)
  await reply.code(answer.status).type(answer.type).send(answer.text)
}

async function answerFailure(app: App, request: FastifyRequest, reply: FastifyReply, phrase: Phrase, error: unknown) {
  const failure = asFailure(error)
  if (failure.code === "internal") app.log.error({ err: error, request: request.id }, "a request failed")
  else if (error instanceof GatewayError && error.cause) app.log.debug({ err: error.cause, request: request.id })
  const { status, body, headers = {} } = phrase(failure, request.id)
  if (reply.raw.headersSent) return breakOff(reply, body)
  reply.headers(headers)
  if (failure.retryAfterSeconds !== undefined) reply.header("retry-after", Math.ceil(failure.retryAfterSeconds))
  if (failure.generationId !== undefined) reply.header("atelier-generation", failure.generationId)
  // What is left of a body nobody reads would else be taken for the next request.
  if (!request.raw.complete) reply.header("connection", "close")
  await sendJson(reply, status, body)
}

const refusals: Partial<Record<number, FailureCode>> = { 413: "too_large", 415: "media_type_not_allowed" }

function asFailure(error: unknown): Failure {
  if (error instanceof GatewayError) return error.failure
  const { statusCode } = error as { statusCode?: number }
  // fastify's own refusals: a path or a header it cannot read.
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return { code: refusals[statusCode] ?? "invalid_request" }
  return { code: "internal" }
}
