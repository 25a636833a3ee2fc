// A vendor that repeats all it is told, keys and prompts and pictures, in every way in which one can fail.
import { once } from "node:events"
import { createServer } from "node:http"
import type { IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { buffer } from "node:stream/consumers"
import { newCanary } from "./canaries.ts"

/** Where a vendor's own network would be; it stands in what the vendor says. */
export const internalHost = "vendor-internal-7.corp"

type Said = { status: number; body: string | Buffer; type?: string; location?: string } | "hangs up"

/** What it answers, by the word after `manner:` in the prompt; `said` is all that it was told, and more. */
const manners: Record<string, (said: string) => Said> = {
  ...Object.fromEntries(
    [400, 401, 402, 403, 404, 409, 422, 429, 500, 503].map((status) => [
      `status${status}`,
      (said: string): Said => ({ status, body: JSON.stringify(everywhere(said)) }),
    ]),
  ),
  page: (said) => ({ status: 500, body: `<html><h1>${said}</h1></html>`, type: "text/html" }),
  calmPage: (said) => ({ status: 200, body: `<html><h1>${said}</h1></html>`, type: "text/html" }),
  strange: (said) => ({ status: 200, body: JSON.stringify({ ...everywhere(said), data: said, images: [said] }) }),
  plainText: (said) => ({ status: 200, body: JSON.stringify(said) }),
  brokenOff: (said) => ({ status: 200, body: `{"data":[{"b64_json":"iVBORw0KGgo${said}` }),
  refused: (said) => ({
    status: 400,
    body: JSON.stringify({
      error: { code: "content_policy_violation", type: "image_generation_user_error", message: said },
    }),
  }),
  moved: (said) => ({
    status: 302,
    body: said,
    location: `http://${internalHost}/?said=${encodeURIComponent(said.slice(0, 900))}`,
  }),
  events: (said) => ({
    status: 200,
    body: `event: error\ndata: ${JSON.stringify(everywhere(said))}\n\n`,
    type: "text/event-stream",
  }),
  link: () => ({ status: 200, body: JSON.stringify({ data: [{ url: linkInside }], images: [{ url: linkInside }] }) }),
  hangUp: () => "hangs up",
}

export const linkInside = `http://${internalHost}/picture.png?sig=${newCanary("vendorLink")}`

/** In every field that any of them explains itself in. */
const everywhere = (said: string) => ({
  ...{ message: said, msg: said, detail: said, details: { reason: said }, code: said, type: said, reason: said },
  error: {
    message: said,
    code: said,
    type: said,
    status: said,
    param: said,
    details: [{ reason: said, message: said }],
  },
  ...{ errors: [said], name: said, error_msg: said, request_id: said, id: said, status: said },
})

export const mannerNames = Object.keys(manners)

export type EchoVendor = { url: string; calls: number; end: () => void }

/** Answers well where the prompt names no manner. */
export async function startEcho(picture: Buffer): Promise<EchoVendor> {
  const well: Said = { status: 200, body: JSON.stringify({ data: [{ b64_json: picture.toString("base64") }] }) }
  const server = createServer(async (request, response) => {
    vendor.calls++
    const answer = tasksOf(request, vendor.url) ?? (await answerTo(request)) ?? well
    if (answer === "hangs up") return void response.destroy()
    const { status, body, type = "application/json", location } = answer
    response.writeHead(status, { "content-type": type, ...(location === undefined ? {} : { location }) }).end(body)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const vendor: EchoVendor = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls: 0,
    end: () => void server.close().closeAllConnections(),
  }
  return vendor
}

async function answerTo(request: IncomingMessage): Promise<Said | undefined> {
  const body = (await buffer(request)).toString("latin1")
  const said = `${JSON.stringify(request.headers)} ${body.slice(0, 3_000)} see ${linkInside}`
  // The doctor's question.
  if (request.method === "GET") return manners["status401"]!(said)
  const manner = /manner:(\w+)/.exec(body)?.[1]
  // A task, for those who ask again; what becomes of it is in its name.
  const task = /\/flux-/.test(request.url ?? "") && manner !== undefined && manner.startsWith("task")
  if (task)
    return {
      status: 200,
      body: JSON.stringify({ id: manner, polling_url: `http://${request.headers.host}/tasks/${manner}` }),
    }
  return manners[manner ?? ""]?.(said)
}

export const taskEndings = ["Error", "Content Moderated", "Task not found", "Nobody Knows"]

function tasksOf({ url = "", headers }: IncomingMessage, origin: string): Said | undefined {
  const number = /^\/tasks\/task(\d)/.exec(url)?.[1]
  if (number === undefined) return undefined
  const said = `${JSON.stringify(headers)} see ${linkInside} and ${origin}`
  const ending = taskEndings[Number(number)]!
  const status = ending === "Nobody Knows" ? "Ready" : ending
  return { status: 200, body: JSON.stringify({ ...everywhere(said), status, result: { sample: linkInside } }) }
}
