// Downloads by a way out that has its own idea of addresses, such as the sandbox.
import { pipeline, Transform } from "node:stream"
import { GatewayError } from "../errors.ts"
import type { GuardedFetch } from "./guarded.ts"
import type { Send } from "./send.ts"

/** Rejects with `url_fetch_failed` as the guarded download does; redirects are not followed. */
export const downloadThrough =
  (send: Send): GuardedFetch["download"] =>
  async (text, { signal, maxBytes }) => {
    const url = URL.parse(text)
    if (!url) throw new GatewayError({ code: "url_not_allowed" })
    const answer = await send({ method: "GET", url, headers: {}, signal }).catch((error: unknown) => {
      throw new GatewayError({ code: "url_fetch_failed" }, error)
    })
    if (answer.status === 200) return { ...answer, body: pipeline(answer.body, upTo(maxBytes), ignore), url }
    answer.body.destroy()
    throw new GatewayError({ code: "url_fetch_failed" }, new Error(`answered ${answer.status}`))
  }

const ignore = () => undefined

function upTo(maxBytes: number): Transform {
  let bytes = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      done(bytes > maxBytes ? new GatewayError({ code: "url_fetch_failed" }) : null, chunk)
    },
  })
}
