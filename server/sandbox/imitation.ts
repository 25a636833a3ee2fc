// What an imitated vendor is: a handler of requests on the vendor's own wire, and the tools it is given.
import type { Readable } from "node:stream"

export type VendorRequest = {
  method: string
  /** The address without the sandbox's own prefix: path and query as the vendor would see them. */
  url: URL
  /** Names in lower case. */
  headers: Record<string, string>
  /** Absent where there is no body. */
  body?: () => AsyncIterable<Uint8Array>
  /** Aborted when the caller hangs up. */
  signal: AbortSignal
  /** Turns a link on a vendor's host into one that this caller can follow. */
  link: (address: string) => string
}

export type VendorResponse = { status: number; headers: Record<string, string>; body: Readable }

/** A response, and what the sandbox does about it before the caller sees its head. */
export type Answer = VendorResponse & {
  /** How long the vendor thinks first; Infinity if it never answers. */
  delayMs?: number
  /** What the call was about, for the log of calls. */
  about?: { model?: string; prompt?: string }
}

export type Imitation = (request: VendorRequest) => Promise<Answer>

/** `human`: about a second for a picture, with progress in between. `none`: everything is ready at once. */
export type Pace = "human" | "none"

export type Tools = {
  pace: Pace
  /** Milliseconds since 1970. */
  now: () => number
  /** True the first time it is asked about this text. */
  isFirstTime: (text: string) => boolean
  /** Where state is kept that must outlive the process; in memory without it. */
  folder?: string
}
