// Failures on Ideogram's routes: an object with a message, which is what AIHubMix' clients read there.
import { factsOf, meaningOf, messageOf } from "../../errors.ts"
import type { Phrase } from "../../http/route.ts"

export const phrase: Phrase = (failure, requestId) => ({
  status: meaningOf(failure.code).status,
  body: {
    error: {
      message: messageOf(failure),
      type: failure.code,
      code: failure.code,
      param: failure.problems?.[0]?.param ?? null,
      request_id: requestId,
      ...factsOf(failure),
    },
  },
})
