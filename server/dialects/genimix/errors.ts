// Failures on Genimix' routes: `success` is false, and the rest says why. Its own error bodies are not documented.
import { meaningOf, messageOf } from "../../errors.ts"
import type { Phrase } from "../../http/route.ts"

export const phrase: Phrase = (failure, requestId) => ({
  status: meaningOf(failure.code).status,
  body: {
    success: false,
    message: messageOf(failure),
    code: failure.code,
    request_id: requestId,
    ...(failure.generationId === undefined ? {} : { generation_id: failure.generationId }),
    ...(failure.successor === undefined ? {} : { successor: failure.successor }),
    ...(failure.problems ? { problems: failure.problems } : {}),
  },
})
