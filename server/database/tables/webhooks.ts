// Who is told of ends, and what was sent. Times are milliseconds since 1970; columns ending in _json hold JSON text.

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
