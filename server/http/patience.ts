// How long callers are waited for: who sends or takes his bytes so slowly that he only holds a connection is cut off.
import type { FastifyRequest } from "fastify"
import { GatewayError } from "../errors.ts"

// Fewer bytes than this in a second are no transfer.
const leastPerSecond = 1_000

/**
 * Does the work that reads a request's body. Throws `too_slow` once a span of so many seconds has brought less than
 * 1 kB for each of them. What the work still gets or does after that is lost with the connection.
 */
export async function withPatience<T>(request: FastifyRequest, seconds: number, work: Promise<T>): Promise<T> {
  const { socket } = request.raw
  const { promise: slow, reject } = Promise.withResolvers<never>()
  let before = socket.bytesRead
  const watch = setInterval(() => {
    const brought = socket.bytesRead - before
    before = socket.bytesRead
    if (brought < leastPerSecond * seconds && !request.raw.complete) reject(tooSlow(seconds))
  }, seconds * 1000)
  try {
    return await Promise.race([work, slow])
  } finally {
    clearInterval(watch)
    // It fails by itself when the connection is closed behind the refusal.
    work.catch(() => undefined)
  }
}

function tooSlow(seconds: number): GatewayError {
  const detail = `In ${seconds} seconds less than ${leastPerSecond * seconds} bytes of the body came.`
  return new GatewayError({ code: "too_slow", detail })
}
