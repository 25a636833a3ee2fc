// Every failure a caller can meet, once: its code, its status, and what it means for retries and money.

type Meaning = {
  status: number
  /** Whether the same request may succeed later without a change. */
  retry: boolean
  /** Whether what was reserved for the work goes back to the caller. */
  refund: boolean
  message: string
}

export const failures = {
  invalid_request: { status: 400, retry: false, refund: true, message: "The request is not valid." },
  unknown_model: { status: 404, retry: false, refund: true, message: "There is no such model." },
  model_retired: { status: 410, retry: false, refund: true, message: "This model's vendors no longer serve it." },
  price_missing: { status: 503, retry: false, refund: true, message: "The operator has not given this model a price." },
  invalid_key: { status: 401, retry: false, refund: true, message: "The API key is missing or not valid." },
  insufficient_credits: { status: 402, retry: false, refund: true, message: "The balance is too low." },
  model_not_allowed: {
    status: 403,
    retry: false,
    refund: true,
    message: "This key or plan does not include the model.",
  },
  missing_scope: { status: 403, retry: false, refund: true, message: "This API key may not do that." },
  not_found: { status: 404, retry: false, refund: true, message: "There is nothing here." },
  method_not_allowed: { status: 405, retry: false, refund: true, message: "This address does not take that method." },
  idempotency_in_progress: {
    status: 409,
    retry: true,
    refund: true,
    message: "The first request with this Idempotency-Key is still being worked on.",
  },
  idempotency_mismatch: {
    status: 422,
    retry: false,
    refund: true,
    message: "This Idempotency-Key was used for another request.",
  },
  too_slow: { status: 408, retry: true, refund: true, message: "The request came too slowly." },
  too_large: { status: 413, retry: false, refund: true, message: "The request is too large." },
  image_type_not_allowed: { status: 415, retry: false, refund: true, message: "Pictures must be JPEG, PNG or WebP." },
  media_type_not_allowed: { status: 415, retry: false, refund: true, message: "This content type is not taken here." },
  image_invalid: { status: 422, retry: false, refund: true, message: "The picture cannot be read." },
  content_refused: {
    status: 422,
    retry: false,
    refund: true,
    message: "The content filter of the vendor refused this.",
  },
  url_not_allowed: { status: 422, retry: false, refund: true, message: "This URL may not be fetched." },
  url_fetch_failed: { status: 422, retry: false, refund: true, message: "This URL could not be fetched." },
  rate_limited: { status: 429, retry: true, refund: true, message: "Too many requests." },
  canceled: { status: 409, retry: false, refund: true, message: "The generation was canceled." },
  internal: { status: 500, retry: true, refund: true, message: "Something failed on our side." },
  provider_error: { status: 502, retry: true, refund: true, message: "The vendor could not make the picture." },
  provider_busy: { status: 503, retry: true, refund: true, message: "The vendor is busy; try again later." },
  provider_unavailable: {
    status: 503,
    retry: false,
    refund: true,
    message: "This model's vendor cannot be used here.",
  },
  outcome_unknown: {
    status: 502,
    retry: false,
    refund: true,
    message: "The vendor was called and the server stopped before its answer came. It was not called again.",
  },
  unavailable: { status: 503, retry: true, refund: true, message: "The server is stopping or starting." },
  provider_timeout: { status: 504, retry: true, refund: true, message: "The vendor did not answer in time." },
} as const satisfies Record<string, Meaning>

export type FailureCode = keyof typeof failures

/** One thing wrong with one field of a request. */
export type Problem = { param: string; message: string }

export type Failure = {
  code: FailureCode
  /** For the caller; the code's own message where absent. */
  detail?: string
  /** Every field that is wrong, where the request is at fault. */
  problems?: Problem[]
  /** For `content_refused`: whether what was asked for was refused, or the picture made of it. */
  refused?: "prompt" | "picture"
  /** For 429 and 503: seconds until a retry makes sense. */
  retryAfterSeconds?: number
  /** For `insufficient_credits`: what the request may cost, and what is there. */
  credits?: { required: number; current: number }
  /** For `model_retired`: the model to use in its place. */
  successor?: string
  /** The generation that failed, where the request had already been accepted. */
  generationId?: string
}

export const meaningOf = (code: FailureCode): Meaning => failures[code]

export const messageOf = (failure: Failure): string => failure.detail ?? failures[failure.code].message

/** What every dialect says beside its own words: for who wants to know more, under the same names everywhere. */
export const factsOf = ({ generationId, successor, problems }: Failure) => ({
  ...(generationId === undefined ? {} : { generation_id: generationId }),
  ...(successor === undefined ? {} : { successor }),
  ...(problems ? { problems } : {}),
})

/** A failure on its way to the edge that phrases it. `cause` is for the log only. */
export class GatewayError extends Error {
  readonly failure: Failure

  constructor(failure: Failure, cause?: unknown) {
    super(messageOf(failure), cause === undefined ? undefined : { cause })
    this.name = "GatewayError"
    this.failure = failure
  }
}

/** The same failure in the names that a dialect has for parameters, by ours; without one, ours stays. */
export function withNames(error: unknown, names: Record<string, string>): unknown {
  if (!(error instanceof GatewayError) || !error.failure.problems) return error
  const problems = error.failure.problems.map(({ param, message }) => {
    const name = names[param] ?? param
    return { param: name, message: message.startsWith(`${param} `) ? name + message.slice(param.length) : message }
  })
  return new GatewayError(
    { ...error.failure, detail: problems.map(({ message }) => message).join("; "), problems },
    error,
  )
}

export const fail = (code: FailureCode, detail?: string, cause?: unknown): never => {
  throw new GatewayError(detail === undefined ? { code } : { code, detail }, cause)
}
