// What an operator watches, counted in this process and shown in Prometheus' form on an address of its own.
import { createServer } from "node:http"
import type { Server } from "node:http"
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client"

export type Ended = {
  model: string
  mode: "live" | "test"
  /** How it ended, or the code of its failure. */
  outcome: string
  /** Since it was accepted. */
  seconds: number
  images: number
  bytes: number
  credits: number
}

export type Metrics = {
  /** `route` is the path as it is documented, so that the number of series stays small. */
  answered: (answer: { route: string; method: string; status: number; seconds: number }) => void
  ended: (generation: Ended) => void
  /** A call to a vendor; `outcome` is ok, pending or the code of its failure. */
  called: (call: { vendor: string; mode: "live" | "test"; outcome: string; seconds: number }) => void
  /** A webhook that was sent once; `outcome` is succeeded, failed or dead. */
  delivered: (delivery: { outcome: string; seconds: number }) => void
  /** All of it, as Prometheus reads it. */
  write: () => Promise<string>
}

/** Jobs by kind, and whether somebody is on them, they are due, or wait for their time. */
export type QueueDepth = { kind: string; state: "held" | "due" | "later"; jobs: number }[]

const requestSeconds = [0.005, 0.02, 0.1, 0.5, 1, 5, 15, 30, 60, 120, 300, 600]
const workSeconds = [0.5, 1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1800]

export function createMetrics(queueDepth: () => Promise<QueueDepth>): Metrics {
  const registry = new Registry()
  const registers = [registry]
  // Among them the lag of the event loop and the memory.
  collectDefaultMetrics({ register: registry })
  const requests = new Histogram({
    ...{ registers, name: "atelier_request_seconds", help: "Requests, from their head to the end of the answer." },
    ...{ labelNames: ["route", "method", "status"], buckets: requestSeconds },
  })
  const generations = new Histogram({
    ...{ registers, name: "atelier_generation_seconds", help: "Generations, from accepted to ended." },
    ...{ labelNames: ["model", "mode", "outcome"], buckets: workSeconds },
  })
  const vendors = new Histogram({
    ...{ registers, name: "atelier_vendor_call_seconds", help: "Calls to vendors, their pictures included." },
    ...{ labelNames: ["vendor", "mode", "outcome"], buckets: workSeconds },
  })
  const webhooks = new Histogram({
    ...{ registers, name: "atelier_webhook_seconds", help: "Webhooks, each time they were sent." },
    ...{ labelNames: ["outcome"], buckets: requestSeconds },
  })
  const counter = (name: string, help: string) => new Counter({ registers, name, help, labelNames: ["model", "mode"] })
  const images = counter("atelier_images_total", "Pictures made.")
  const bytes = counter("atelier_image_bytes_total", "Bytes of the pictures made.")
  const credits = counter("atelier_credits_total", "Credits charged.")
  const depth = new Gauge({
    ...{
      registers: [],
      name: "atelier_queue_jobs",
      help: "Jobs by kind, and whether they are held, due or for later.",
    },
    labelNames: ["kind", "state"],
    async collect() {
      this.reset()
      for (const { kind, state, jobs } of await queueDepth()) this.set({ kind, state }, jobs)
    },
  })
  registry.registerMetric(depth)
  return {
    answered: ({ seconds, status, ...labels }) => requests.observe({ ...labels, status: String(status) }, seconds),
    ended({ model, mode, outcome, seconds, ...made }) {
      generations.observe({ model, mode, outcome }, seconds)
      images.inc({ model, mode }, made.images)
      bytes.inc({ model, mode }, made.bytes)
      credits.inc({ model, mode }, made.credits)
    },
    called: ({ seconds, ...labels }) => vendors.observe(labels, seconds),
    delivered: ({ seconds, ...labels }) => webhooks.observe(labels, seconds),
    write: () => registry.metrics(),
  }
}

const nothing = () => undefined

/** Where nobody scrapes. */
export const noMetrics: Metrics = {
  ...{ answered: nothing, ended: nothing, called: nothing, delivered: nothing },
  write: async () => "",
}

/** Serves them to whoever reaches that address: it is the operator's to keep private. */
export function serveMetrics(metrics: Metrics): Server {
  return createServer((request, response) => {
    if (request.url !== "/metrics" || request.method !== "GET") return void response.writeHead(404).end()
    metrics.write().then(
      (text) => response.setHeader("content-type", "text/plain; version=0.0.4; charset=utf-8").end(text),
      () => response.writeHead(503).end(),
    )
  })
}
