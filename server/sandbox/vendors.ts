// Every vendor that is imitated: where it answers, and by what.
import { imitateBfl } from "./bfl.ts"
import type { Imitation, Tools } from "./imitation.ts"
import { imitateOpenAI, linkHost as openAiLinkHost } from "./openai.ts"

export type ImitatedVendor = {
  title: string
  /** The host that stands behind the vendor's prefix when the sandbox is served over HTTP. */
  host: string
  /** Whether a host is the vendor's, links to its pictures included. */
  answersAt: (host: string) => boolean
  imitate: (tools: Tools) => Imitation
}

/** By the id that its provider has. */
export const vendors = {
  openai: {
    title: "OpenAI",
    host: "api.openai.com",
    answersAt: (host) => host === "api.openai.com" || host === openAiLinkHost,
    imitate: imitateOpenAI,
  },
  bfl: {
    title: "Black Forest Labs",
    // A cluster, where tasks are taken and polled alike.
    host: "api.us1.bfl.ai",
    answersAt: (host) => host.endsWith(".bfl.ai"),
    imitate: imitateBfl,
  },
} satisfies Record<string, ImitatedVendor>

export type Vendor = keyof typeof vendors

export const vendorAt = (host: string): Vendor | undefined =>
  (Object.keys(vendors) as Vendor[]).find((id) => vendors[id].answersAt(host))
