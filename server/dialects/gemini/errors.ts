// Failures as Google's clients read them: google.rpc.Status, with our code as the reason.
import { meaningOf, messageOf } from "../../errors.ts"
import type { Failure } from "../../errors.ts"
import type { Phrase } from "../../http/route.ts"

const words: Record<number, string> = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  402: "FAILED_PRECONDITION",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  408: "DEADLINE_EXCEEDED",
  409: "ABORTED",
  410: "NOT_FOUND",
  429: "RESOURCE_EXHAUSTED",
  500: "INTERNAL",
  502: "INTERNAL",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
}

const typeOf = (name: string): string => `type.googleapis.com/google.rpc.${name}`

export const phrase: Phrase = (failure, requestId) => {
  const { status: ours } = meaningOf(failure.code)
  // Google knows no other status for a request that is wrong.
  const status = ours === 405 || ours === 413 || ours === 415 || ours === 422 ? 400 : ours
  const error = { code: status, message: messageOf(failure), status: words[status] ?? "UNKNOWN" }
  return { status, body: { error: { ...error, details: detailsOf(failure, requestId) } } }
}

function detailsOf({ code, problems, retryAfterSeconds, generationId, successor }: Failure, requestId: string) {
  const metadata = {
    request_id: requestId,
    ...(generationId === undefined ? {} : { generation_id: generationId }),
    ...(successor === undefined ? {} : { successor }),
  }
  const fieldViolations = problems?.map(({ param, message }) => ({ field: param, description: message }))
  return [
    { "@type": typeOf("ErrorInfo"), reason: code, domain: "atelier", metadata },
    ...(fieldViolations ? [{ "@type": typeOf("BadRequest"), fieldViolations }] : []),
    ...(retryAfterSeconds === undefined
      ? []
      : [{ "@type": typeOf("RetryInfo"), retryDelay: `${Math.ceil(retryAfterSeconds)}s` }]),
  ]
}
