// Every vendor that is imitated: where it answers, and by what.
import { host as aihubmixHost, imitateAihubmix, isAihubmixHost } from "./aihubmix.ts"
import { host as arkHost, imitateArk, isArkHost } from "./ark.ts"
import { host as azureHost, imitateAzure, isAzureHost } from "./azure.ts"
import { imitateBfl } from "./bfl.ts"
import { host as dashscopeHost, imitateDashscope, isDashscopeHost } from "./dashscope.ts"
import { geminiHost, imitateGoogle, isVertexHost, vertexHost } from "./google.ts"
import { imitateIdeogram, linkHost as ideogramLinkHost } from "./ideogram.ts"
import { host as compatibleHost, imitateCompatible } from "./compatible.ts"
import type { Imitation, Tools } from "./imitation.ts"
import { imitateOpenAI, linkHost as openAiLinkHost } from "./openai.ts"
import { host as qianfanHost, imitateQianfan, isQianfanHost } from "./qianfan.ts"
import { imitateStability } from "./stability.ts"

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
  azure: {
    title: "Microsoft Azure AI Foundry",
    host: azureHost,
    answersAt: isAzureHost,
    imitate: imitateAzure,
  },
  ark: { title: "Volcengine Ark", host: arkHost, answersAt: isArkHost, imitate: imitateArk },
  ideogram: {
    title: "Ideogram",
    host: "api.ideogram.ai",
    answersAt: (host) => host === "api.ideogram.ai" || host === ideogramLinkHost,
    imitate: imitateIdeogram,
  },
  stability: {
    title: "Stability AI",
    host: "api.stability.ai",
    answersAt: (host) => host === "api.stability.ai",
    imitate: imitateStability,
  },
  google: {
    title: "Google Gemini API",
    host: geminiHost,
    answersAt: (host) => host === geminiHost,
    imitate: imitateGoogle,
  },
  vertex: { title: "Google Vertex AI", host: vertexHost, answersAt: isVertexHost, imitate: imitateGoogle },
  qianfan: { title: "Baidu Qianfan", host: qianfanHost, answersAt: isQianfanHost, imitate: imitateQianfan },
  dashscope: {
    title: "Alibaba DashScope",
    host: dashscopeHost,
    answersAt: isDashscopeHost,
    imitate: imitateDashscope,
  },
  compatible: {
    title: "an OpenAI-compatible server",
    host: compatibleHost,
    answersAt: (host) => host === compatibleHost,
    imitate: imitateCompatible,
  },
  aihubmix: { title: "AIHubMix", host: aihubmixHost, answersAt: isAihubmixHost, imitate: imitateAihubmix },
} satisfies Record<string, ImitatedVendor>

export type Vendor = keyof typeof vendors

export const vendorAt = (host: string): Vendor | undefined =>
  (Object.keys(vendors) as Vendor[]).find((id) => vendors[id].answersAt(host))
