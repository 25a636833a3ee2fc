// Generations, and the calls that are made for them. Times are milliseconds since 1970; columns ending in _json hold JSON text.

export type GenerationStatus = "queued" | "running" | "succeeded" | "failed" | "canceled"

export type GenerationRow = {
  id: string
  project_id: string
  key_id: string
  mode: "live" | "test"
  dialect: string
  model: string
  /** The checked parameters. */
  input_json: string
  /** Pictures the caller gave: `Reference[]`. */
  references_json: string
  /** Marks of an AI that those came with: `Mark[]`. */
  input_marks_json: string
  warnings_json: string
  /** The caller's own name for the first picture, and the SHA-256 of what he sent with it. */
  image_name: string | null
  image_fingerprint: string | null
  /** Where this request wants its end told, and where its caller reaches this server. */
  webhook_url: string | null
  webhook_origin: string | null
  status: GenerationStatus
  failure_json: string | null
  usage_json: string | null
  /** What one picture costs, what is set aside at the most, and what was charged in the end. */
  price_micros: number
  reserved_micros: number
  charged_micros: number
  /** The request that began it, and its place in a trace, where there is one. */
  request_id: string | null
  traceparent: string | null
  created_at: number
  started_at: number | null
  finished_at: number | null
}

export type AttemptState = "sent" | "pending" | "stored" | "failed"

export type AttemptRow = {
  id: string
  generation_id: string
  /** Which share of the wanted pictures this call makes; several calls serve one generation. */
  part: number
  /** 1 for the first try of a part. */
  ordinal: number
  provider: string
  vendor_model: string
  /** What of the generation's reservation is for this call. */
  reserved_micros: number
  /** Whose key the vendor was called with; a task is asked for with that key again. */
  key_source: "server" | "project"
  state: AttemptState
  /** `pending`: the request that asks the vendor how far it is. */
  check_json: string | null
  /** `stored`: what was kept, `KeptPicture[]`. */
  pictures_json: string | null
  /** `failed`: why, and which way is next. `stored`: why pictures are missing, as a list. */
  failure_json: string | null
  usage_json: string | null
  /** Not to be asked or tried again before. */
  due_at: number
  sent_at: number
  finished_at: number | null
}

export type EventRow = { generation_id: string; sequence: number; type: string; data_json: string; created_at: number }

/** An early state of a picture, kept while its events can be read. */
export type EarlyPictureRow = { generation_id: string; sha256: string }

/** A request that may be sent again, and the generation it began. */
export type RepeatRow = {
  project_id: string
  route: string
  name: string
  fingerprint: string
  /** What it began: a generation, or a picture that was uploaded. */
  generation_id: string
  created_at: number
  delivered_at: number | null
}
