// The head of an answer as undici gives it, made into the shape that everyone else sees.
import type { Dispatcher } from "undici"
import type { IncomingResponse } from "./send.ts"

/** The answer, or the signal's reason as soon as the signal is aborted. */
export async function readHead(
  answer: Promise<Dispatcher.ResponseData>,
  signal: AbortSignal,
): Promise<IncomingResponse> {
  const { statusCode, headers, body } = await unlessAborted(answer, signal)
  // Destroying the body early makes it emit an error; whoever reads it still meets every error.
  body.on("error", ignore)
  return { status: statusCode, headers: flatten(headers), body }
}

/** undici notices an aborted signal only when a call leaves its queue, a resolver never: this is at once. */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener("abort", abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort))
  })
}

function flatten(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined) flat[name] = typeof value === "string" ? value : value.join(", ")
  }
  return flat
}

export const ignore = (): void => {}
