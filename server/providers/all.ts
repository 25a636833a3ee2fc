// The vendors there are.
import { aihubmix } from "./aihubmix.ts"
import { ark } from "./ark.ts"
import { azure } from "./azure.ts"
import { bfl } from "./bfl.ts"
import { compatible } from "./compatible.ts"
import { dashscope } from "./dashscope.ts"
import { google } from "./google.ts"
import { ideogram } from "./ideogram.ts"
import { openai } from "./openai.ts"
import type { Provider } from "./provider.ts"
import { qianfan } from "./qianfan.ts"
import { stability } from "./stability.ts"
import { vertex } from "./vertex.ts"

export const allProviders: Provider[] = [
  openai,
  bfl,
  azure,
  ideogram,
  stability,
  ark,
  google,
  vertex,
  qianfan,
  dashscope,
  compatible,
  aihubmix,
]

/** Throws where the catalogue or an old row names a vendor that there is not. */
export function knownProvider(id: string): Provider {
  const provider = allProviders.find((one) => one.id === id)
  if (!provider) throw new Error(`there is no vendor ${id}`)
  return provider
}
