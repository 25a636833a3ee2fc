// Failures in Atelier's own words. What clients of OpenAI read is in it too: message, type, code, param.
import { factsOf, messageOf, meaningOf } from "../../errors.ts"
import type { Failure } from "../../errors.ts"
import type { Phrase } from "../../http/route.ts"

/** "error" of every answer that is not 2xx. */
export const writeError = (failure: Failure, requestId: string) => ({
  message: messageOf(failure),
  type: failure.code,
  code: failure.code,
  param: failure.problems?.[0]?.param ?? null,
  request_id: requestId,
  retry: meaningOf(failure.code).retry,
  ...factsOf(failure),
})

export const phrase: Phrase = (failure, requestId) => ({
  status: meaningOf(failure.code).status,
  body: { error: writeError(failure, requestId) },
})
