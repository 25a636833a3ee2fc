// The receiver of webhooks, a process of its own: writes down what comes, and does not always answer well.
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { text } from "node:stream/consumers"
import { endWithParent } from "./helper.ts"
import { openLog } from "./log.ts"
import { pick, randomFrom } from "./random.ts"

export type ReceiverEntry = {
  at: number
  /** Whose endpoint it came to. */
  path: string
  id: string
  timestamp: string
  signature: string
  body: string
  /** `taken` with 204; `refused` with 500; `broken`: taken, and then the connection broke. */
  answer: "taken" | "refused" | "broken"
}

export type ReceiverOptions = { path: string; seed: number }

const { path, seed } = JSON.parse(process.argv[2]!) as ReceiverOptions
const log = openLog<ReceiverEntry>(path)
const random = randomFrom("receiver", seed)

const server = createServer(async (request, response) => {
  const body = await text(request)
  const said = (name: string) => String(request.headers[name] ?? "")
  const id = said("webhook-id")
  const answer = pick({ refused: 0.08, broken: 0.04 }, random()) ?? "taken"
  const signed = { id, timestamp: said("webhook-timestamp"), signature: said("webhook-signature") }
  log({ path: request.url!, ...signed, body, answer })
  if (answer === "broken") response.destroy()
  else response.writeHead(answer === "taken" ? 204 : 500).end()
}).listen(0, "127.0.0.1")
await once(server, "listening")
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
endWithParent()
