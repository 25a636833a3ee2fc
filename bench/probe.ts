// Loaded before a server under test, to measure how long its event loop stood still. On SIGUSR2 it writes the longest
// stall since the last one, in milliseconds, and begins anew.
import { renameSync, writeFileSync } from "node:fs"
import { monitorEventLoopDelay } from "node:perf_hooks"

const path = process.env["BENCH_PROBE_FILE"]!
const resolutionMs = 1
const delay = monitorEventLoopDelay({ resolution: resolutionMs })
delay.enable()

process.on("SIGUSR2", () => {
  // What the histogram counts is the time between two ticks of its timer, which are never closer than this.
  const stallMs = Math.max(0, delay.max / 1e6 - resolutionMs)
  writeFileSync(`${path}.part`, String(stallMs))
  renameSync(`${path}.part`, path)
  delay.reset()
})
