import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { json } from "node:stream/consumers"
import { it } from "node:test"
import { createTraces } from "./openTelemetry.ts"

type Sent = {
  traceId: string
  spanId: string
  parentSpanId?: string
  name: string
  kind: number
  status: { code: number }
}

it("spans reach the collector, each under its parent, also where that came from elsewhere", async (t) => {
  const sent: Sent[] = []
  const paths: (string | undefined)[] = []
  const collector = createServer(async (request, response) => {
    paths.push(request.url)
    const body = (await json(request)) as { resourceSpans: { scopeSpans: { spans: Sent[] }[] }[] }
    sent.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
    response.setHeader("content-type", "application/json").end("{}")
  }).listen(0, "127.0.0.1")
  t.after(() => collector.close().closeAllConnections())
  await once(collector, "listening")
  const traces = createTraces(`http://127.0.0.1:${(collector.address() as AddressInfo).port}/`)

  const from = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
  const request = traces.start("POST /v1/generations", { kind: "server", parent: from, facts: { model: "a/b" } })
  assert.match(request.traceparent!, /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-01$/)
  const call = traces.start("vendor call", { kind: "client", parent: request.traceparent })
  call.note({ images: 1 })
  call.end("provider_error")
  request.end()
  for (const parent of [undefined, "nonsense", "00-00000000000000000000000000000000-b7ad6b7169203331-01"])
    traces.start("alone", { kind: "internal", parent }).end()
  await traces.close()

  assert.deepEqual([...new Set(paths)], ["/v1/traces"])
  const byName = (name: string) => sent.filter((one) => one.name === name)
  const [outer] = byName("POST /v1/generations")
  const [inner] = byName("vendor call")
  assert.equal(outer?.traceId, "0af7651916cd43dd8448eb211c80319c")
  assert.equal(outer.parentSpanId, "b7ad6b7169203331")
  assert.deepEqual([inner?.traceId, inner?.parentSpanId], [outer.traceId, outer.spanId])
  assert.deepEqual([outer.kind, inner?.kind, inner?.status.code], [2, 3, 2])
  assert.equal(byName("alone").length, 3)
  for (const { parentSpanId = "" } of byName("alone")) assert.equal(parentSpanId, "")
})
