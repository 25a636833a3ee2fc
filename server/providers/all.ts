// The vendors there are.
import { bfl } from "./bfl.ts"
import { openai } from "./openai.ts"
import type { Provider } from "./provider.ts"

export const allProviders: Provider[] = [openai, bfl]

/** Throws where the catalogue or an old row names a vendor that there is not. */
export function knownProvider(id: string): Provider {
  const provider = allProviders.find((one) => one.id === id)
  if (!provider) throw new Error(`there is no vendor ${id}`)
  return provider
}
