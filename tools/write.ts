// Writes the files that follow from code: openapi.json and four pages of the guide. With --check only compares.
import { readFileSync, writeFileSync } from "node:fs"
import { allModels } from "../server/catalogue/catalogue.ts"
import { baseUrlNameOf, keyNameOf, settings } from "../server/config.ts"
import { describeApi } from "../server/http/openapi.ts"
import { allProviders } from "../server/providers/all.ts"
import { allRoutes } from "../server/routes.ts"
import { mishaps } from "../server/sandbox/mishaps.ts"
import { writeModelsPage } from "./models.ts"
import { writeVendorsPage } from "./vendors.ts"

const rows = (all: string[][]): string => all.map((cells) => `| ${cells.join(" | ")} |`).join("\n")

const configuration = `# Configuration

Every setting is an environment variable, checked when the server starts: an unknown \`ATELIER_\` name or a wrong value
stops it with a message that names what is allowed. This page is written from \`server/config.ts\`.

## Server

${rows([
  ["Name", "Default", "Meaning"],
  ["---", "---", "---"],
  ...Object.values(settings).map(({ name, fallback, about }) => [
    `\`${name}\``,
    fallback === "" ? "empty" : `\`${fallback}\``,
    about,
  ]),
])}

## Vendors

A vendor's models can be used with live keys once its key is set. The address is for a proxy of yours, or for the
sandbox over HTTP (\`npm run sandbox\`).

${rows([
  ["Vendor", "Key", "Address", "Default address"],
  ["---", "---", "---", "---"],
  ...allProviders.map(({ id, title, baseUrl, ownAddress }) => [
    title,
    `\`${keyNameOf(id)}\``,
    `\`${baseUrlNameOf(id)}\``,
    ownAddress ? "none: yours" : `\`${baseUrl}\``,
  ]),
])}
`

const sandbox = `# The sandbox

Every vendor is imitated on its own wire: parameters are checked as the vendor checks them, pictures have the asked size and
format, tasks take their time, links expire. It draws without a network, a key or a bill. The same prompt and seed give the
same picture.

A **test key** reaches it through everything a live key goes through. Tasks of background vendors survive a restart of the
server, as they would at a real vendor. \`ATELIER_SANDBOX_PACE=none\` makes it answer at once, for your tests.

## Over HTTP

\`npm run sandbox\` serves the same to anyone: point a vendor's own SDK at it, or Atelier's live keys.

\`\`\`sh
npm run sandbox
OPENAI_API_KEY=any OPENAI_BASE_URL=http://127.0.0.1:8790/openai/v1 BFL_API_KEY=any BFL_BASE_URL=http://127.0.0.1:8790/bfl/v1 npm start
\`\`\`

Every vendor has its prefix; the command prints them all. Any key works but an empty one and one with \`invalid\` in it.

## Failures on request

A word anywhere in the prompt makes the vendor fail in its own way:

${rows([["Word", "What happens"], ["---", "---"], ...Object.entries(mishaps).map(([word, about]) => [`\`${word}\``, about])])}
`

const titles = Object.fromEntries(allProviders.map(({ id, title }) => [id, title]))

const written: Record<string, string> = {
  "openapi.json": `${JSON.stringify(describeApi(allRoutes), null, 2)}\n`,
  "docs/guide/configuration.md": configuration,
  "docs/guide/models.md": writeModelsPage(allModels, titles),
  "docs/guide/vendors.md": writeVendorsPage(allProviders, allModels),
  "docs/guide/sandbox.md": sandbox,
}

const root = new URL("..", import.meta.url)
for (const [name, content] of Object.entries(written)) {
  const path = new URL(name, root)
  if (!process.argv.includes("--check")) writeFileSync(path, content)
  else if (readFileSync(path, "utf8") !== content) {
    console.error(`${name} does not follow from the code any more: npm run fix writes it anew.`)
    process.exitCode = 1
  }
}
