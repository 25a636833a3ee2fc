// What a route is: an address, what it takes and answers, and one function. Documentation is a fold over these.
import type { IncomingHttpHeaders } from "node:http"
import type { z } from "zod"
import type { KeyHolder, Scope } from "../accounts/keys.ts"
import type { App } from "../app.ts"
import type { Failure, FailureCode } from "../errors.ts"
import type { Repeat } from "./repeat.ts"
import type { Sealed } from "../storage/storage.ts"

/** What came with a call. `body` is undefined where the route takes none. */
export type Call<Params = Record<string, string>, Query = Record<string, unknown>, Body = Record<string, unknown>> = {
  app: App
  caller: KeyHolder & { request: { id: string; traceparent: string | undefined } }
  requestId: string
  params: Params
  query: Query
  body: Body
  /** Pictures that came in the body, by the mark that stands for each in it. */
  received: ReadonlyMap<string, Sealed>
  headers: IncomingHttpHeaders
  /** By what this request is known if it is sent again, where it says so. */
  repeat: Repeat | undefined
  /** Where the caller reaches this server: "https://pictures.example". */
  origin: string
  /** Aborted when the caller hangs up, or when the server cannot wait with him any longer. */
  signal: AbortSignal
}

export type ServerEvent = { id?: string; event?: string; data: unknown }

/** A file in storage, as it is sent. */
export type Served = { sha256: string; bytes: number; mediaType: string }

/** `json` and `data` may hold `base64Of(picture)`, which is streamed out of storage. */
export type Answer = { headers?: Record<string, string> } & (
  | { status: number; json: unknown }
  | { status: 200; events: AsyncIterable<ServerEvent> }
  | { status: 200; image: Served; cache: string }
  | { status: 200; text: string; type: string }
)

/** A failure in the words of a dialect. */
export type Phrase = (
  failure: Failure,
  requestId: string,
) => { status: number; body: unknown; headers?: Record<string, string> }

export type Documented = { status: number; about: string; schema?: z.ZodType; type?: string }

export type Route = {
  method: "GET" | "POST" | "PUT" | "DELETE"
  /** As OpenAPI writes it: "/v1/generations/{id}". */
  path: string
  /** The group in the documentation. */
  group: string
  summary: string
  about?: string
  /** Who may call: holders of a key, holders of a signed link as well, or anyone. */
  access: "key" | "key or link" | "anyone"
  /** Where this dialect's own clients put the key, besides `Authorization` and `x-api-key`. */
  keyHeader?: "x-goog-api-key" | "api-key" | "x-key"
  params?: z.ZodObject
  query?: z.ZodObject
  /** What a key must be allowed; without it, `generate` where it is counted, `read` for GET, else `manage`. */
  scope?: Scope
  /** Counts against the plan's requests an hour: routes that make or take pictures. */
  counted?: boolean
  /** Knows a request that is sent again, by `repeat`; so does every route that is counted. */
  takesRepeats?: boolean
  /** Checked before `handle` is called, unless `checksItself`. */
  body?: z.ZodType
  /** `body` only documents; `handle` reads it, so that it can name every wrong parameter of the model at once. */
  checksItself?: boolean
  /** Also takes the body as a form, with pictures as files. */
  takesForms?: boolean
  /** The body is a little text: pictures are not looked for in it, and it has at most 1 MB. */
  plain?: boolean
  /** The body is a picture and nothing else; `handle` finds it in `received`, as the only one. */
  takesPicture?: boolean
  answers: Documented[]
  failures: readonly FailureCode[]
  phrase: Phrase
  handle: (call: Call) => Answer | Promise<Answer>
}

type Read<Schema> = Schema extends z.ZodType ? z.infer<Schema> : Record<string, unknown>
type Text<Schema> = Schema extends z.ZodType ? z.infer<Schema> : Record<string, string>

/** Ties what `handle` is given to the schemas beside it. */
export function route<
  const Params extends z.ZodObject | undefined = undefined,
  const Query extends z.ZodObject | undefined = undefined,
  const Body extends z.ZodType | undefined = undefined,
>(
  definition: Omit<Route, "params" | "query" | "body" | "handle"> & {
    params?: Params
    query?: Query
    body?: Body
    handle: (call: Call<Text<Params>, Read<Query>, Read<Body>>) => Answer | Promise<Answer>
  },
): Route {
  return definition as unknown as Route
}
