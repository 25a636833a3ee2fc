// Failures as OpenAI's clients read them: the status decides which exception they raise.
import { factsOf, messageOf, meaningOf } from "../../errors.ts"
import type { Failure, FailureCode } from "../../errors.ts"
import type { Phrase } from "../../http/route.ts"

// OpenAI answers what its filter refuses as a bad request, and so do the exceptions of its SDKs.
const statuses: Partial<Record<FailureCode, number>> = { content_refused: 400 }

const types: Partial<Record<FailureCode, string>> = {
  content_refused: "image_generation_user_error",
  invalid_key: "authentication_error",
  insufficient_credits: "insufficient_quota",
  rate_limited: "requests",
}

const typeOf = (code: FailureCode, status: number): string =>
  types[code] ?? (status < 500 ? "invalid_request_error" : "server_error")

export const phrase: Phrase = (failure, requestId) => {
  const status = statuses[failure.code] ?? meaningOf(failure.code).status
  return {
    status,
    headers: { "x-should-retry": String(mayRepeat(failure)) },
    body: { error: writeError(failure, requestId) },
  }
}

/** Whether the SDK may send the call again by itself: never where the vendor may already have worked for it. */
const mayRepeat = ({ code, generationId }: Failure): boolean =>
  code === "rate_limited" || code === "provider_busy" || (code === "unavailable" && generationId === undefined)

export function writeError(failure: Failure, requestId: string) {
  const status = statuses[failure.code] ?? meaningOf(failure.code).status
  return {
    message: messageOf(failure),
    type: typeOf(failure.code, status),
    code: failure.code,
    param: failure.problems?.[0]?.param ?? null,
    request_id: requestId,
    ...factsOf(failure),
  }
}
