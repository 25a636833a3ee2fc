// What a vendor is to us: an address, three pure functions, and what it can take.
import type { FormPart, Stored } from "../bodies/write.ts"
import type { Failure } from "../errors.ts"

/** A picture the caller gave, ready to be sent on. */
export type ReferencePicture = Stored & { mediaType: "image/png" | "image/jpeg" | "image/webp" }

export type References = { images: ReferencePicture[]; mask?: ReferencePicture }

/** What a request asks for: the parameters as the model's schema names them, and the pictures it refers to. */
export type VendorInput<Parameters> = Parameters & References

export type ProviderRequest = {
  method: "GET" | "POST"
  /** A path below the base URL, or a whole URL that the vendor itself named (see `linkHosts`). */
  path: string
  /** At most one of the two. JSON may hold `base64Of(picture)`. */
  json?: unknown
  form?: FormPart[]
}

/** Where a picture of an answer is: taken out of the body ("picture:0"), or behind a link. */
export type AnsweredPicture = ({ mark: string } | { url: string }) & { notes?: PictureNotes }

/** What a vendor tells of one picture. */
export type PictureNotes = {
  seed?: number
  revised_prompt?: string
  /** What was used in the end, where `auto` was asked for. */
  quality?: string
  background?: string
}

/** Counts of tokens, as OpenAI names them. */
export type Usage = {
  input_tokens: number
  output_tokens: number
  total_tokens: number
  input_tokens_details?: { image_tokens: number; text_tokens: number }
  output_tokens_details?: { image_tokens: number; text_tokens: number }
}

/** What the vendor says the work cost or used. */
export type VendorBill = {
  usage?: Usage
  costCredits?: number
  /** What that comes to, in micro-credits. */ micros?: number
}

export type VendorFailure = Failure & {
  /** The vendor did no work, so that calling it again costs nothing twice. */
  untouched?: boolean
  /** The vendor said this of a task, so that asking again changes nothing. */
  ofTask?: boolean
}

export type Outcome =
  /** `missing`: why there are fewer pictures than were asked for, once for each. */
  | { state: "done"; pictures: AnsweredPicture[]; missing?: VendorFailure[]; bill?: VendorBill }
  /** `check` asks again later; without it, the same request as before. `progress` in percent. */
  | { state: "pending"; check?: ProviderRequest; checkAfterMs: number; progress?: number }
  | { state: "failed"; failure: VendorFailure; bill?: VendorBill }

/**
 * One event of an answer that streams: an early state of a picture, a picture, word that one will not come, or the end.
 * What came before the end belongs to its outcome; pictures in the order of `index`, where they have one.
 */
export type StreamStep =
  | { partial: { mark: string; index: number } }
  | { picture: AnsweredPicture; index?: number }
  | { missing: VendorFailure }
  | { outcome: Outcome }

export type Provider<Parameters = Record<string, unknown>> = {
  id: string
  title: string
  /** Where it answers; for vendors whose customers each have an address of their own, the sandbox's. */
  baseUrl: string
  /** The operator has to give the address. */
  ownAddress?: boolean
  /** Works without a key, at the address that the operator gives. */
  keyless?: boolean
  /** A path whose GET costs nothing and needs the key, to see whether that is taken. */
  probe?: string
  /** What an operator should know of it: limits, quirks, what was never seen live. For docs/guide/vendors.md. */
  notes?: string[]
  /** Host suffixes (".bfl.ai") that links of this vendor may have and that get the key; https only. */
  linkHosts: string[]
  authorize: (key: string) => Record<string, string>
  /** Keys of an answer's JSON that hold pictures in base64. */
  pictureKeys: string[]
  limits: {
    /** Pictures of one call; a request for more becomes several calls. */
    imagesPerCall: (model: string, input: Parameters) => number
    references: number
    /** Calls and tasks that an account may have at work at once; any number where absent. */
    inFlight?: number
    /** From sending to the last byte, and for tasks from sending to their end. */
    deadlineMs: number
  }
  /** `input.n` is what this one call shall make. */
  writeRequest: (model: string, input: VendorInput<Parameters>) => ProviderRequest
  readResponse: (body: unknown) => Outcome
  /** For answers that came as server-sent events; undefined for events that mean nothing. */
  readEvent?: (event: string, data: unknown) => StreamStep | undefined
  /** Explains an answer that is not 2xx, where the status alone would say it wrong. */
  readFailure: (status: number, body: unknown) => VendorFailure | undefined
}

/** Keeps the parameter type while writing an adapter; the rest of the house sees any provider alike. */
export function defineProvider<Parameters>(provider: Provider<Parameters>): Provider {
  return provider as unknown as Provider
}
