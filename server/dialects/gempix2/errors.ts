// Everything that Gempix2 answers stands in one envelope: its own code, a message, and data.
import { meaningOf, messageOf } from "../../errors.ts"
import type { Failure, FailureCode } from "../../errors.ts"
import type { Phrase } from "../../http/route.ts"

export const success = (msg: string, data: unknown) => ({ code: 0, msg, data })

const codes: Partial<Record<FailureCode, number>> = {
  insufficient_credits: 1001,
  invalid_key: 1002,
  missing_scope: 1002,
  rate_limited: 1003,
}

/** 1000 for what is wrong with a request, 5000 for what is wrong with us or a vendor. */
const codeOf = (code: FailureCode): number => codes[code] ?? (meaningOf(code).status < 500 ? 1000 : 5000)

export const phrase: Phrase = (failure, requestId) => ({
  status: meaningOf(failure.code).status,
  body: { code: codeOf(failure.code), msg: messageOf(failure), data: dataOf(failure, requestId) },
})

/** What the document promises of a balance that is too low comes first; the rest says more to who wants to know. */
function dataOf({ code, credits, problems, generationId, successor }: Failure, requestId: string) {
  return {
    ...credits,
    error: code,
    ...(problems ? { problems } : {}),
    ...(generationId === undefined ? {} : { uuid: generationId }),
    ...(successor === undefined ? {} : { successor }),
    request_id: requestId,
  }
}
