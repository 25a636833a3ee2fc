// Commands about webhooks: what the API does for a project's keys, for its operator.
import { addressHere, readConfig } from "../config.ts"
import type { Config } from "../config.ts"
import { openWebhooks } from "../data.ts"
import { writeDelivery, writeEndpoint, writeWithSecret } from "../dialects/native/webhooks.ts"
import { GatewayError } from "../errors.ts"
import { allProviders } from "../providers/all.ts"
import { listDeliveries, replayDelivery } from "../webhooks/deliveries.ts"
import { changeEndpoint, createEndpoint, deleteEndpoint, listEndpoints, rotateSecret } from "../webhooks/endpoints.ts"
import { webhookEvents } from "../webhooks/payload.ts"
import { knownWordsIn, projectOf, withData, writeColumns } from "./command.ts"
import type { Command, Data, Given, Printed } from "./command.ts"

type Webhooks = Data & Awaited<ReturnType<typeof openWebhooks>>

/** A command on the webhooks of a project; `id` is what it needs first. */
const webhookCommand = (
  { options, ...about }: Omit<Command, "run">,
  work: (app: Webhooks, project: string, id: string, given: Given) => Promise<Printed>,
): Command => ({
  ...about,
  options: [...options, "project"],
  run: (given) =>
    withData(async (data) => {
      const app = { ...data, ...(await openWebhooks(data)) }
      return work(app, await projectOf(data, given), given.rest[0] ?? "", given)
    }),
})

const urlMaxLength = 2048

export const createWebhookCommand = webhookCommand(
  {
    words: "webhooks create",
    needs: ["URL"],
    takes: `[--events ${webhookEvents.join(",")}] [--origin URL] [--project ID]`,
    about: "tell a URL when generations end, and print the secret that signs; it is shown only this once",
    options: ["events", "origin"],
  },
  async (app, project, url, { options }) => {
    const events = options["events"] === undefined ? [...webhookEvents] : readEvents(options["events"])
    if (url.length > urlMaxLength) throw new Error(`URL has at most ${urlMaxLength} characters`)
    const origin = readOrigin(options["origin"], readConfig(process.env, allProviders))
    const made = await createEndpoint(app, project, { url, events, origin }).catch(explainUrl)
    return { text: `${made.endpoint.id}  ${made.secret}`, value: writeWithSecret(made) }
  },
)

const readEvents = (list: string) => knownWordsIn("events", list, webhookEvents)

/** Where its owner reaches the server, for the links in what is sent. */
function readOrigin(given: string | undefined, config: Config): string {
  const text = given ?? (config.publicUrl || (config.port === 0 ? "" : addressHere(config)))
  const url = URL.parse(text)
  if (url && /^https?:$/.test(url.protocol)) return url.origin + url.pathname.replace(/\/+$/, "")
  throw new Error("--origin must be where this server is reached, such as https://pictures.example")
}

/** The refusal does not say why, and need not: one of these it is. */
function explainUrl(error: unknown): never {
  if (error instanceof GatewayError && error.failure.code === "url_not_allowed")
    throw new Error("Nothing may be sent there: a webhook is https and public, or in ATELIER_EGRESS_ALLOW.", {
      cause: error,
    })
  throw error
}

export const listWebhooksCommand = webhookCommand(
  {
    words: "webhooks list",
    takes: "[--project ID]",
    about: "list a project's webhooks",
    options: [],
  },
  async (app, project) => {
    const value = (await listEndpoints(app, project)).map(writeEndpoint)
    const rows = value.map(({ id, url, events, disabled_because }) => [
      ...[id, disabled_because === null ? "enabled" : `disabled (${disabled_because})`],
      ...[url, events.join(",")],
    ])
    return { text: writeColumns(rows), value }
  },
)

export const rotateWebhookCommand = webhookCommand(
  {
    words: "webhooks rotate",
    needs: ["ID"],
    takes: "[--project ID]",
    about: "give a webhook a new secret and print it; for a day the one before signs as well",
    options: [],
  },
  async (app, project, id) => {
    const made = await rotateSecret(app, project, id)
    return { text: made.secret, value: writeWithSecret(made) }
  },
)

const switchCommand = (act: "enable" | "disable", about: string) =>
  webhookCommand(
    { words: `webhooks ${act}`, needs: ["ID"], takes: "[--project ID]", about, options: [] },
    async (app, project, id) => {
      const value = writeEndpoint(await changeEndpoint(app, project, id, { enabled: act === "enable" }))
      return { text: `${id} is ${act}d.`, value }
    },
  )

export const enableWebhookCommand = switchCommand("enable", "send to a webhook again, and forget that it failed")
export const disableWebhookCommand = switchCommand("disable", "send nothing to a webhook any more")

export const deleteWebhookCommand = webhookCommand(
  {
    words: "webhooks delete",
    needs: ["ID"],
    takes: "[--project ID]",
    about: "delete a webhook and its log",
    options: [],
  },
  async (app, project, id) => {
    await deleteEndpoint(app, project, id)
    return { text: `${id} is deleted.`, value: { id, deleted: true } }
  },
)

const shownMax = 100

export const listDeliveriesCommand = webhookCommand(
  {
    words: "webhooks deliveries",
    needs: ["ID"],
    takes: "[--project ID]",
    about: `show the last ${shownMax} deliveries to a webhook; default for those to URLs that requests named`,
    options: [],
  },
  async (app, project, id) => {
    const { deliveries } = await listDeliveries(app, project, id === "default" ? null : id, { limit: shownMax })
    const value = deliveries.map(writeDelivery)
    const rows = value.map(({ id: delivery, created_at, event, status, attempts }) => {
      const last = attempts.at(-1)
      const tries = `${attempts.length} ${attempts.length === 1 ? "try" : "tries"}`
      return [delivery, created_at ?? "", event, status, tries, last ? String(last.status ?? last.error) : ""]
    })
    return { text: writeColumns(rows), value }
  },
)

export const replayCommand = webhookCommand(
  {
    words: "webhooks replay",
    needs: ["DELIVERY"],
    takes: "[--project ID]",
    about: "send a delivery again, by a running server",
    options: [],
  },
  async (app, project, id) => {
    const delivery = writeDelivery(await replayDelivery(app, project, id))
    return { text: delivery.id, value: delivery }
  },
)
