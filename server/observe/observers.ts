// What watches the server, as far as the operator has configured it.
import { once } from "node:events"
import { createMetrics, noMetrics, serveMetrics } from "./metrics.ts"
import type { Metrics, QueueDepth } from "./metrics.ts"
import { noTraces } from "./traces.ts"
import type { Traces } from "./traces.ts"

export type Observers = {
  metrics: Metrics
  traces: Traces
  close: () => Promise<void>
}

type Wanted = {
  /** Where metrics are served, "127.0.0.1:9464"; empty for nowhere. */
  metricsAddress: string
  queueDepth: () => Promise<QueueDepth>
  /** Loads what sends traces; undefined where nothing does. */
  loadTraces: (() => Promise<Traces>) | undefined
}

/** Throws an Error that names the setting where the address cannot be listened on. */
export async function openObservers({ metricsAddress, queueDepth, loadTraces }: Wanted): Promise<Observers> {
  const traces = (await loadTraces?.()) ?? noTraces
  if (metricsAddress === "") return { metrics: noMetrics, traces, close: () => traces.close() }
  const metrics = createMetrics(queueDepth)
  const server = serveMetrics(metrics)
  const at = metricsAddress.lastIndexOf(":")
  server.listen(Number(metricsAddress.slice(at + 1)), metricsAddress.slice(0, at).replace(/^\[|\]$/g, ""))
  await once(server, "listening").catch((error: Error) => {
    throw new Error(`ATELIER_METRICS_ADDRESS: cannot listen on ${metricsAddress}. (${error.message})`, { cause: error })
  })
  return {
    ...{ metrics, traces },
    async close() {
      server.close()
      server.closeAllConnections()
      await traces.close()
    },
  }
}
