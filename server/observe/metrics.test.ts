import assert from "node:assert/strict"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { it } from "node:test"
import { createMetrics, serveMetrics } from "./metrics.ts"

it("what happened is counted by its names, and read as Prometheus reads it", async (t) => {
  const metrics = createMetrics(async () => [{ kind: "run-generation", state: "due", jobs: 7 }])
  metrics.answered({ route: "/v1/generations/{id}", method: "GET", status: 200, seconds: 0.01 })
  const facts = { model: "bfl/flux-2-pro", mode: "live" } as const
  metrics.ended({ ...facts, outcome: "succeeded", seconds: 3, images: 2, bytes: 3_000, credits: 8 })
  metrics.ended({ ...facts, outcome: "content_refused", seconds: 1, images: 0, bytes: 0, credits: 0 })
  metrics.called({ vendor: "bfl", mode: "live", outcome: "pending", seconds: 0.2 })
  metrics.delivered({ outcome: "failed", seconds: 15 })

  const server = serveMetrics(metrics).listen(0, "127.0.0.1")
  t.after(() => server.close().closeAllConnections())
  await once(server, "listening")
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const response = await fetch(`${url}/metrics`)
  assert.match(response.headers.get("content-type") ?? "", /^text\/plain; version=0\.0\.4/)
  const lines = (await response.text()).split("\n")
  for (const line of [
    'atelier_request_seconds_count{route="/v1/generations/{id}",method="GET",status="200"} 1',
    'atelier_generation_seconds_count{model="bfl/flux-2-pro",mode="live",outcome="succeeded"} 1',
    'atelier_generation_seconds_count{model="bfl/flux-2-pro",mode="live",outcome="content_refused"} 1',
    'atelier_images_total{model="bfl/flux-2-pro",mode="live"} 2',
    'atelier_image_bytes_total{model="bfl/flux-2-pro",mode="live"} 3000',
    'atelier_credits_total{model="bfl/flux-2-pro",mode="live"} 8',
    'atelier_vendor_call_seconds_count{vendor="bfl",mode="live",outcome="pending"} 1',
    'atelier_webhook_seconds_count{outcome="failed"} 1',
    'atelier_queue_jobs{kind="run-generation",state="due"} 7',
  ])
    assert.ok(lines.includes(line), `${line} is missing`)
  assert.ok(lines.some((line) => line.startsWith("nodejs_eventloop_lag_seconds ")))
  assert.equal((await fetch(url)).status, 404)
})
