// A server under test whose doors lead to a made-up public network: one program on loopback that stands for every host.
import { once } from "node:events"
import { createServer } from "node:http"
import { isIP } from "node:net"
import type { AddressInfo } from "node:net"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { hostOf, readPolicy } from "../server/egress/address.ts"
import { createGuardedFetch } from "../server/egress/guarded.ts"
import { answers, record } from "../server/egress/loopback.ts"
import { createGuardedPost } from "../server/egress/post.ts"
import { mustAllow, mustRefuse } from "../server/egress/vectors.ts"
import { plainPng } from "./calls.ts"
import { composeServer } from "./harness.ts"
import { scriptVendor } from "./scriptedVendor.ts"
import type { ScriptedVendor } from "./scriptedVendor.ts"

/** What every name of the network stands for. */
export const publicAddress = "93.184.216.34"

export const notAllowed = { code: "url_not_allowed", message: "This URL may not be fetched.", retry: false }

/** Where each place of "/moved/N" leads. */
export const moved = [...mustRefuse, ...mustAllow]

/** Any picture, any receiver, and the places that have moved. */
async function startInternet(png: Buffer) {
  const listening = createServer((request, response) => {
    const [, index] = /^\/moved\/(\d+)$/.exec(request.url ?? "") ?? []
    // Node writes headers as Latin-1, so that these bytes are the vector in UTF-8.
    const location = index === undefined ? undefined : Buffer.from(moved[Number(index)]!).toString("latin1")
    if (location !== undefined) response.writeHead(302, { location }).end()
    else if (request.method === "POST") response.writeHead(204).end()
    else response.end(png)
  }).listen(0, "127.0.0.1")
  await once(listening, "listening")
  const end = () => void listening.close().closeAllConnections()
  return { port: (listening.address() as AddressInfo).port, end }
}

/** `connected` has the addresses that would have been connected to, `resolved` the names that were asked for. */
export async function startOnPublicNetwork() {
  const png = await plainPng()
  const [internet, vendor] = await Promise.all([startInternet(png), scriptVendor()])
  const server = await composeServer({
    ...{ IDEOGRAM_API_KEY: "any", IDEOGRAM_BASE_URL: vendor.url },
    ...{ OPENAI_API_KEY: "any", OPENAI_BASE_URL: `${vendor.url}/v1` },
  })
  const { app } = server.atelier
  const { connected, connect } = record(internet.port)
  const resolved: string[] = []
  const resolve = async (name: string) => (resolved.push(name), answers(publicAddress))
  const options = { policy: readPolicy(), resolve, connect }
  app.fetchUrl = app.waysOut.live.download = createGuardedFetch(options).download
  app.guardedPost = createGuardedPost(options)
  const live = { ...server, testKey: await createKey(app, defaultProject, "live") }
  return {
    ...{ server, live, vendor, connected, resolved },
    /** Ideogram answers each call with the next of these links, OpenAI with a picture. */
    reset(links: string[] = []) {
      connected.length = resolved.length = vendor.calls.length = 0
      vendor.answer = answering(png, links)
    },
    async end() {
      await server.end()
      vendor.end()
      internet.end()
    },
  }
}

export type PublicNetwork = Awaited<ReturnType<typeof startOnPublicNetwork>>

function answering(png: Buffer, links: string[]): ScriptedVendor["answer"] {
  const left = [...links]
  const created = "2026-10-02T09:15:04Z"
  return (path) => {
    if (path.startsWith("/v1/images/")) return { status: 200, json: { data: [{ b64_json: png.toString("base64") }] } }
    const data = [{ url: left.shift(), prompt: "a mill", resolution: "1024x1024", is_image_safe: true }]
    return { status: 200, json: { created, data } }
  }
}

/** A few at once, so that it takes seconds, and the answers in the order of the items. */
export async function each<Item, Result>(items: Item[], work: (item: Item, index: number) => Promise<Result>) {
  const results: Result[] = []
  const left = items.entries()
  const turn = async () => {
    for (const [index, item] of left) results[index] = await work(item, index)
  }
  await Promise.all(Array.from({ length: 6 }, turn))
  return results
}

/** Where a URL leads that is allowed. */
export const addressOf = (text: string): string => {
  const host = hostOf(new URL(text))
  return isIP(host) === 0 ? publicAddress : host
}

/** The names that are asked for on the way to URLs that are allowed. */
export const namesOf = (urls: string[]): string[] =>
  urls.map((text) => hostOf(new URL(text))).flatMap((host) => (isIP(host) === 0 ? `${host}.` : []))
