// The vendors there are.
import { bfl } from "./bfl.ts"
import { openai } from "./openai.ts"
import type { Provider } from "./provider.ts"

export const allProviders: Provider[] = [openai, bfl]

export const findProvider = (id: string): Provider | undefined => allProviders.find((provider) => provider.id === id)
