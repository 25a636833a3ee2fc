// Words that stand for a secret each, and the search for them.
import { randomBytes } from "node:crypto"

/** What is searched for, by what it stands for. More are added while the server is driven. */
export type Canaries = Map<string, string>

export const newCanary = (name: string): string => `cnry-${name}-${randomBytes(9).toString("hex")}`

/** Every one that is in the text, but those that may be. */
export function findCanaries(canaries: Canaries, text: string | Buffer, except: readonly string[] = []): string[] {
  const bytes = Buffer.from(text)
  return [...canaries].flatMap(([name, secret]) =>
    !except.some((start) => name.startsWith(start)) && spellings(secret).some((spelled) => bytes.includes(spelled))
      ? [name]
      : [],
  )
}

const known = new Map<string, string[]>()

function spellings(secret: string): string[] {
  const before = known.get(secret)
  if (before === undefined) known.set(secret, [...new Set(spell(secret))])
  return before ?? known.get(secret)!
}

const spell = (secret: string): string[] => [
  ...[secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)],
  // A word may stand anywhere in what was encoded: what does not depend on its place.
  ...[0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), Buffer.from(secret)])
    const inner = (encoding: "base64" | "base64url") => shifted.toString(encoding).slice(4, -4)
    return [inner("base64"), inner("base64url")].filter((text) => text.length >= 12)
  }),
]
