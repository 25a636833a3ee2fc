// Failures as AIHubMix answers them: always an object, with the request's id in the message as well.
import { factsOf, messageOf, meaningOf } from "../../errors.ts"
import type { Phrase } from "../../http/route.ts"

export const phrase: Phrase = (failure, requestId) => {
  const { status } = meaningOf(failure.code)
  const isRequest = status >= 400 && status < 500 && status !== 401 && status !== 402
  const error = {
    message: `${messageOf(failure)} (tid: ${requestId})`,
    type: isRequest ? "invalid_request_error" : "Aihubmix_api_error",
    code: failure.code,
    param: failure.problems?.[0]?.param ?? null,
    request_id: requestId,
    ...factsOf(failure),
  }
  return { status, body: { error } }
}
