// Every model there is, and finding one by any name a client may use for it.
import { nearest } from "../nearest.ts"
import { resold } from "./aihubmix.ts"
import { bfl } from "./bfl.ts"
import { doubao } from "./doubao.ts"
import { google } from "./google.ts"
import { ideogram } from "./ideogram.ts"
import type { Catalogue, Model } from "./model.ts"
import { openai } from "./openai.ts"
import { qianfan } from "./qianfan.ts"
import { stability } from "./stability.ts"

const families: Model[] = [...openai, ...bfl, ...ideogram, ...stability, ...doubao, ...google, ...qianfan]

export const allModels: Model[] = families.map(resold)

// The older document of AIHubMix spells it so, and its clients still do.
const familyNames: Record<string, string> = { opanai: "openai" }

export function createCatalogue(models: Model[]): Catalogue {
  const byName = new Map<string, Model>()
  for (const model of models) for (const name of namesOf(model)) byName.set(name.toLowerCase(), model)
  return {
    models,
    find: (name) => byName.get(name) ?? byName.get(canonical(name)),
    nearest: (name) => {
      const near = nearest(canonical(name), [...byName.keys()], 8).map((key) => byName.get(key)!.id)
      return [...new Set(near)].slice(0, 3)
    },
  }
}

function canonical(name: string): string {
  const [first = "", ...rest] = name.trim().toLowerCase().split("/")
  return [familyNames[first] ?? first, ...rest].join("/")
}

/** The full name, the name without its family, and what else the row lists, with and without the family. */
function namesOf({ id, names }: Model): string[] {
  const [family = ""] = id.split("/")
  const short = [id.slice(family.length + 1), ...names]
  return [...short.map((name) => `${family}/${name}`), ...short]
}
