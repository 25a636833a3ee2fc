// The tables, as the code sees them. Times are milliseconds since 1970; columns ending in _json hold JSON text.

type ProjectRow = { id: string; created_at: number }

type ApiKeyRow = {
  id: string
  project_id: string
  mode: "live" | "test"
  /** SHA-256 of the whole key, hex. */
  hash: string
  last4: string
  created_at: number
  revoked_at: number | null
}

/** Secrets and facts of this installation that must be the same for every process. */
type SettingRow = { name: string; value: string }

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
  warnings_json: string
  status: GenerationStatus
  failure_json: string | null
  usage_json: string | null
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

export type ImageRow = {
  id: string
  project_id: string
  /** Null for pictures that were uploaded. */
  generation_id: string | null
  /** Order among the pictures of the generation. */
  position: number
  sha256: string
  bytes: number
  media_type: string
  width: number
  height: number
  /** What the vendor tells of this picture: `{ seed?, revised_prompt? }`. */
  notes_json: string
  created_at: number
}

type EventRow = { generation_id: string; sequence: number; type: string; data_json: string; created_at: number }

export type JobRow = {
  id: string
  kind: string
  /** What the job is about, for example a generation's id. */
  subject: string
  due_at: number
  /** Null while nobody works on it. */
  leased_until: number | null
  /** Grows with every claim, so that a worker that woke up late changes nothing. */
  fence: number
}

export type Tables = {
  projects: ProjectRow
  api_keys: ApiKeyRow
  settings: SettingRow
  generations: GenerationRow
  attempts: AttemptRow
  images: ImageRow
  events: EventRow
  jobs: JobRow
}
