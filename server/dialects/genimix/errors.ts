// Failures on Genimix' routes: `success` is false, and the rest says why. Its own error bodies are not documented.
import { factsOf, meaningOf, messageOf } from "../../errors.ts"
import type { Phrase } from "../../http/route.ts"

export const phrase: Phrase = (failure, requestId) => ({
  status: meaningOf(failure.code).status,
  body: {
    success: false,
    message: messageOf(failure),
    code: failure.code,
    request_id: requestId,
    ...factsOf(failure),
  },
})
