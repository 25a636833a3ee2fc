// What an operator sees of the work: a line for each generation, metrics, and traces from the request to the webhook.
import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { json } from "node:stream/consumers"
import { after, before, describe, it } from "node:test"
import { setTimeout as sleep } from "node:timers/promises"
import { call, generate } from "./calls.ts"
import { atelierCommand, composeServer, freePort, startServer } from "./harness.ts"
import type { Server } from "./harness.ts"
import { until } from "./webhookReceiver.ts"

type Line = { msg: string; generation?: string; prompt?: string; calls?: Record<string, unknown>[] } & Record<
  string,
  unknown
>

const storiesOf = (server: Server): Line[] =>
  server
    .log()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Line)
    .filter(({ msg }) => msg === "a generation ended")

describe("the log", () => {
  let server: Server
  before(async () => {
    server = await startServer({ ATELIER_LOG_LEVEL: "info" })
  })
  after(() => server.kill("SIGKILL"))

  const story = (id: string) =>
    until(`the line of ${id}`, () => storiesOf(server).find((line) => line.generation === id))

  it("has one line for each generation, with its whole story and without its prompt", async () => {
    const { body, headers } = await generate(server, "a secret garden", { n: 2 })
    const line = await story(body.id)
    const { project, mode, dialect, model, status, request, images, bytes, credits, queued_ms, ran_ms } = line
    assert.deepEqual(
      [project, mode, dialect, model, status],
      ["default", "test", "native", "openai/gpt-image-1", "succeeded"],
    )
    assert.equal(request, headers.get("x-request-id"))
    assert.equal(images, 2)
    assert.equal(
      bytes,
      body.images.reduce((sum, picture) => sum + picture.bytes, 0),
    )
    assert.ok(Number(credits) > 0 && Number(queued_ms) >= 0 && Number(ran_ms) > 0)
    assert.deepEqual(
      line.calls?.map(({ vendor, outcome }) => [vendor, outcome]),
      [["openai", "stored"]],
    )
    assert.doesNotMatch(server.log(), /secret garden/)
    await sleep(100)
    assert.equal(storiesOf(server).filter(({ generation }) => generation === body.id).length, 1)
  })

  it("tells every try of a vendor, and why there is no picture", async () => {
    const { body } = await generate(server, "sandbox:error the same again", { model: "bfl/flux-2-pro" })
    const line = await story(body.id)
    assert.deepEqual(
      [line["status"], line["code"], line["images"], line["credits"]],
      ["failed", "provider_error", 0, 0],
    )
    assert.deepEqual(
      line.calls?.map(({ vendor, outcome }) => [vendor, outcome]),
      [
        ["bfl", "provider_error"],
        ["bfl", "provider_error"],
      ],
    )
  })

  it("tells what was canceled", async () => {
    const { body } = await generate(server, "sandbox:timeout", { wait: 0 })
    await call(server, `/v1/generations/${body.id}/cancel`, { method: "POST" })
    assert.equal((await story(body.id))["status"], "canceled")
  })

  it("has the prompts of a project that agreed, and of no other", async () => {
    await atelierCommand(server.dataFolder, "projects", "update", "default", "--log-prompts", "on")
    const agreed = await generate(server, "an open garden", {})
    assert.equal((await story(agreed.body.id)).prompt, "an open garden")
    await atelierCommand(server.dataFolder, "projects", "update", "default", "--log-prompts", "off")
    const closed = await generate(server, "a closed garden", {})
    assert.equal((await story(closed.body.id)).prompt, undefined)
    assert.doesNotMatch(server.log(), /closed garden/)
  })
})

it("metrics stand at an address of their own, and nowhere unless it is set", async () => {
  const address = `127.0.0.1:${await freePort()}`
  const server = await composeServer({ ATELIER_METRICS_ADDRESS: address })
  try {
    const { body } = await generate(server, "a boat", { model: "bfl/flux-2-pro" })
    await generate(server, "sandbox:moderation a boat", {})
    await call(server, "/v1/nowhere/at/all")
    assert.equal((await call(server, "/metrics")).status, 404)
    const counted = 'atelier_request_seconds_count{route="unknown",method="GET",status="404"} 2'
    const lines = await until("the metrics", async () => {
      const text = await (await fetch(`http://${address}/metrics`)).text()
      return text.includes(counted) ? text.split("\n") : undefined
    })
    const facts = 'model="bfl/flux-2-pro",mode="test"'
    for (const line of [
      'atelier_request_seconds_count{route="/v1/generations",method="POST",status="200"} 2',
      `atelier_generation_seconds_count{${facts},outcome="succeeded"} 1`,
      'atelier_generation_seconds_count{model="openai/gpt-image-1",mode="test",outcome="content_refused"} 1',
      `atelier_images_total{${facts}} 1`,
      `atelier_image_bytes_total{${facts}} ${body.images[0]!.bytes}`,
      'atelier_vendor_call_seconds_count{vendor="openai",mode="test",outcome="content_refused"} 1',
    ])
      assert.ok(lines.includes(line), `${line} is missing`)
    assert.ok(
      lines.some((line) => line.startsWith('atelier_vendor_call_seconds_count{vendor="bfl",mode="test",outcome="ok"}')),
    )
    assert.ok(lines.some((line) => line.startsWith("nodejs_eventloop_lag_seconds ")))
  } finally {
    await server.end()
  }
})

type Sent = { traceId: string; spanId: string; parentSpanId?: string; name: string; attributes: { key: string }[] }

it("a trace goes from the caller's request to the vendor and the webhook", async (t) => {
  const sent: Sent[] = []
  const collector = createServer(async (request, response) => {
    const body = (await json(request)) as { resourceSpans: { scopeSpans: { spans: Sent[] }[] }[] }
    sent.push(...body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)))
    response.setHeader("content-type", "application/json").end("{}")
  }).listen(0, "127.0.0.1")
  const receiver = createServer((request, response) => void request.resume().on("end", () => response.end())).listen(
    0,
    "127.0.0.1",
  )
  t.after(() => [collector, receiver].forEach((server) => server.close().closeAllConnections()))
  await Promise.all([once(collector, "listening"), once(receiver, "listening")])
  const portOf = (server: { address: () => unknown }) => (server.address() as AddressInfo).port
  const server = await composeServer({
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${portOf(collector)}`,
    ATELIER_EGRESS_ALLOW: "127.0.0.0/8",
  })
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
  const { status } = await call(server, "/v1/generations", {
    json: {
      ...{ model: "bfl/flux-2-pro", input: { prompt: "a secret boat" }, wait: 30 },
      webhook: `http://127.0.0.1:${portOf(receiver)}/hook?token=secret`,
    },
    headers: { traceparent },
  })
  assert.equal(status, 200)
  const { query } = server.atelier.app.database
  await until("the webhook", async () => {
    const row = await query.selectFrom("webhook_deliveries").select("status").executeTakeFirst()
    return row?.status === "succeeded" ? row : undefined
  })
  await server.end()
  const mine = sent.filter(({ traceId }) => traceId === "4bf92f3577b34da6a3ce929d0e0e4736")
  const request = mine.find(({ name }) => name === "POST /v1/generations")
  assert.equal(request?.parentSpanId, "00f067aa0ba902b7")
  const calls = mine.filter(({ name }) => name === "call bfl")
  assert.ok(calls.length >= 2, "the order and at least one look at the task")
  const hook = mine.find(({ name }) => name === "webhook images.completed")
  for (const span of [...calls, hook]) assert.equal(span?.parentSpanId, request.spanId)
  assert.doesNotMatch(JSON.stringify(sent), /secret/)
})
