// What the client wants, made from a seed. A wish is known by the token in its prompt, through every log and table.
import { pick, randomFrom } from "./random.ts"

export type Dialect = "native" | "native, waiting" | "openai" | "gempix2" | "genimix" | "aihubmix"
export type Owner = "rich" | "poor"

export type Wish = {
  number: number
  token: string
  dialect: Dialect
  model: string
  pictures: number
  /** How many calls to a vendor it takes if nothing goes wrong. */
  calls: number
  owner: Owner
  /** Sent again until it is answered, with an Idempotency-Key or under a name of its own; the others are sent once. */
  known: "by key" | "by name" | "not"
  /** Sent once more after its answer, as by a client that lost it. */
  again: boolean
  /** When it is called off, counted from its answer. */
  cancelAfterMs: number | null
}

export const tokenPattern = /wish-\d+-\d+ /

/** The space behind it keeps wish 1 from being found in the prompt of wish 10. */
export const tokenOf = (seed: number, number: number): string => `wish-${seed}-${number} `

export const promptOf = ({ token }: Wish): string => `${token}by the sea`

const dialects = { native: 0.25, "native, waiting": 0.2, openai: 0.2, gempix2: 0.1, genimix: 0.15, aihubmix: 0.1 }
const models = { "openai/gpt-image-2": 0.4, "bfl/flux-2-pro": 0.45, "google/gemini-nano-banana-2.1": 0.15 }

function modelFor(dialect: Dialect, random: number): string {
  if (dialect === "openai") return "openai/gpt-image-2"
  if (dialect === "aihubmix") return "bfl/flux-2-pro"
  if (dialect === "genimix") return random < 0.5 ? "openai/gpt-image-2" : "bfl/flux-2-pro"
  return dialect === "gempix2" ? "google/gemini-nano-banana-2.1" : pick(models, random)!
}

export function makeWish(seed: number, number: number): Wish {
  const random = randomFrom("wish", seed, number)
  const dialect = pick(dialects, random())!
  const model = modelFor(dialect, random())
  const isNative = dialect === "native" || dialect === "native, waiting"
  const pictures = isNative && random() < 0.15 ? 2 : 1
  const known = random() < 0.6 ? "by key" : dialect === "genimix" ? "by name" : "not"
  return {
    ...{ number, token: tokenOf(seed, number), dialect, model, pictures, known },
    calls: model.startsWith("openai/") ? 1 : pictures,
    owner: random() < 0.15 ? "poor" : "rich",
    again: known !== "not" && random() < 0.2,
    cancelAfterMs: dialect === "native" && random() < 0.3 ? Math.floor(random() * 900) : null,
  }
}
