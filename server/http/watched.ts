// Requests as they are counted and traced: by the route they met, never by what their address says beyond it.
import type { FastifyReply, FastifyRequest } from "fastify"
import type { App } from "../app.ts"

type Needs = Pick<App, "metrics" | "traces">

// As nginx has it: the caller was gone before he was answered.
const goneStatus = 499

/** From now until the answer has been sent, or the caller has gone. Answers the trace's name for this request. */
export function watchRequest(
  { metrics, traces }: Needs,
  route: string,
  request: FastifyRequest,
  reply: FastifyReply,
): string | undefined {
  const begun = performance.now()
  const { method } = request
  const span = traces.start(`${method} ${route}`, {
    kind: "server",
    parent: headerOf(request, "traceparent"),
    facts: { "http.request.method": method, "http.route": route, "atelier.request": request.id },
  })
  reply.raw.once("close", () => {
    const status = reply.raw.writableFinished ? reply.raw.statusCode : goneStatus
    metrics.answered({ route, method, status, seconds: (performance.now() - begun) / 1000 })
    span.note({ "http.response.status_code": status })
    span.end(status >= 500 ? String(status) : undefined)
  })
  return span.traceparent
}

const headerOf = ({ headers }: FastifyRequest, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === "string" ? value : undefined
}
