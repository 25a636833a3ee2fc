// Writes docs/guide/vendors.md: which variable opens which models, and what is particular about each vendor.
import type { Model } from "../server/catalogue/model.ts"
import { baseUrlNameOf, keyNameOf } from "../server/config.ts"
import type { Provider } from "../server/providers/provider.ts"

const code = (text: string): string => `\`${text}\``

function accessOf({ id, baseUrl, ownAddress = false, keyless = false }: Provider): string {
  const key = keyless ? `${code(keyNameOf(id))} where it asks for a key` : code(keyNameOf(id))
  const address = ownAddress
    ? `${code(baseUrlNameOf(id))} (needed: there is no common address)`
    : `${code(baseUrlNameOf(id))} if not ${code(baseUrl)}`
  return `Set ${key}; ${address}.`
}

function modelsOf({ id }: Provider, models: Model[]): string {
  const all = models.flatMap(({ id: name, routes }) => {
    const at = routes.findIndex(({ provider }) => provider === id)
    return at < 0 ? [] : [{ name, first: at === 0 }]
  })
  const list = (first: boolean) => all.filter((one) => one.first === first).map(({ name }) => code(name))
  const [own, second] = [list(true), list(false)]
  return [
    own.length > 0 ? `Opens ${own.join(", ")}.` : "",
    second.length > 0
      ? `${own.length > 0 ? "Also serves" : "Serves"}, after their own vendor, ${second.join(", ")}.`
      : "",
  ]
    .filter(Boolean)
    .join("\n\n")
}

function limitsOf({ limits }: Provider): string {
  const { references: count } = limits
  const references =
    count === 0 ? "no reference picture" : count === 1 ? "one reference picture" : `up to ${count} reference pictures`
  return `A call takes ${references} and is given ${Math.round(limits.deadlineMs / 60_000)} minutes.`
}

export function writeVendorsPage(providers: Provider[], models: Model[]): string {
  const parts = providers.map((provider) =>
    [
      `## ${provider.title}`,
      accessOf(provider),
      modelsOf(provider, models),
      [limitsOf(provider), ...(provider.notes ?? [])].map((note) => `- ${note}`).join("\n"),
    ]
      .filter((part) => part !== "")
      .join("\n\n"),
  )
  return `# Vendors

A model can be used with a live key once the key of one of its vendors is set. Where a model has several, the first that
can serve the request is called; the next one only after a failure for which the first surely did no work. Test keys
need none of this: every vendor here is imitated by the sandbox. \`npm run --silent atelier -- models\` shows what is open.
This page is written from \`server/providers/\`.

${parts.join("\n\n")}
`
}
