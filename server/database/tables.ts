// The tables, as the code sees them. Times are milliseconds since 1970; columns ending in _json hold JSON text.

export type ProjectRow = { id: string; name: string; plan: string; created_at: number }

export type ApiKeyRow = {
  id: string
  project_id: string
  mode: "live" | "test"
  /** SHA-256 of the whole key, hex. */
  hash: string
  last4: string
  name: string
  /** What it may do: `string[]`, `*` for everything. */
  scopes_json: string
  /** The models it may use, `string[]`; null for all. */
  models_json: string | null
  /** What it may spend in all, and what it has spent or reserved. */
  cap_micros: number | null
  spent_micros: number
  expires_at: number | null
  last_used_at: number | null
  created_at: number
  revoked_at: number | null
}

export type AccountRow = {
  id: string
  /** Null for the house's own. */
  project_id: string | null
  mode: "live" | "test"
  /** What a project may spend and what is set aside for its work; what the house has granted and earned. */
  kind: "available" | "reserved" | "granted" | "revenue"
  /** The sum of its entries. */
  balance_micros: number
}

export type PostingKind = "grant" | "adjust" | "refund" | "reserve" | "settle" | "release"

/** A set of entries that sums to zero. */
export type PostingRow = {
  id: string
  kind: PostingKind
  project_id: string
  mode: "live" | "test"
  generation_id: string | null
  /** The generation, where this is its end: settled or released, and only one of the two. */
  closes: string | null
  reason: string
  created_at: number
}

/** A request that may be sent again, and the generation it began. */
export type RepeatRow = {
  project_id: string
  route: string
  name: string
  fingerprint: string
  generation_id: string
  created_at: number
  delivered_at: number | null
}

export type EntryRow = { posting_id: string; account_id: string; amount_micros: number }

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

/** A picture by a caller's own name. */
export type ImageNameRow = {
  project_id: string
  name: string
  /** Null while the first picture of that name is being made. */
  image_id: string | null
  /** The last generation that was to make it; null after an upload. Only its picture may take the name. */
  generation_id: string | null
  created_at: number
  updated_at: number
}

type EventRow = { generation_id: string; sequence: number; type: string; data_json: string; created_at: number }

export type JobRow = {
  id: string
  kind: string
  /** What the job is about, for example a generation's id. */
  subject: string
  /** Whose turn it takes; empty for the house's own. */
  project_id: string
  /** What it needs a place in, such as the vendor of its next call. */
  lane: string
  /** How many places of the lane it keeps while it waits. */
  places: number
  /** Within its project the higher goes first. */
  priority: number
  /** When it may be taken: while somebody is on it, when his lease ends. */
  due_at: number
  /** When it is handed out as overdue, if nobody has begun on it by then. */
  deadline_at: number | null
  /** Until then it counts as at work; null while nobody is on it and it keeps no places. */
  leased_until: number | null
  /** Grows with every claim, so that a worker that woke up late changes nothing. */
  fence: number
}

export type WebhookEndpointRow = {
  id: string
  project_id: string
  url: string
  events_json: string
  sealed_secret: string
  /** After a rotation the one before, which also signs until then. */
  old_sealed_secret: string | null
  old_until: number | null
  /** Where its owner reaches this server, for links. */
  origin: string
  /** Why nothing is sent to it; null while it is in use. */
  disabled: "by_request" | "gone" | "failing" | null
  /** The first failure after the last success. */
  failing_since: number | null
  /** It has asked to be left alone until then. */
  slow_until: number | null
  created_at: number
}

export type WebhookDeliveryRow = {
  /** Also the message's id, by which receivers know it again. */
  id: string
  project_id: string
  /** Null where the request itself named a URL. */
  endpoint_id: string | null
  url: string | null
  generation_id: string
  event: string
  /** What is sent, the same each time. */
  body: string
  status: "pending" | "succeeded" | "dead"
  /** How often it was sent. */
  tries: number
  due_at: number | null
  replay_of: string | null
  created_at: number
  finished_at: number | null
}

export type WebhookAttemptRow = {
  delivery_id: string
  ordinal: number
  sent_at: number
  duration_ms: number
  /** Null where no answer came. */
  status: number | null
  error: string | null
  next_at: number | null
}

export type Tables = {
  projects: ProjectRow
  api_keys: ApiKeyRow
  settings: SettingRow
  accounts: AccountRow
  repeats: RepeatRow
  postings: PostingRow
  entries: EntryRow
  generations: GenerationRow
  attempts: AttemptRow
  images: ImageRow
  image_names: ImageNameRow
  events: EventRow
  jobs: JobRow
  webhook_endpoints: WebhookEndpointRow
  webhook_deliveries: WebhookDeliveryRow
  webhook_attempts: WebhookAttemptRow
}
