// Who may call. Times are milliseconds since 1970; columns ending in _json hold JSON text.

export type ProjectRow = {
  id: string
  name: string
  plan: string
  /** 1 where its prompts may stand in the log. */
  logs_prompts: number
  created_at: number
}

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
  /** Where it may be used from, ranges as `string[]`; null for everywhere. */
  addresses_json: string | null
  /** What it may spend in all, and what it has spent or reserved. */
  cap_micros: number | null
  spent_micros: number
  /** How often it may make or take pictures; null for as often as its project. */
  requests_per_hour: number | null
  expires_at: number | null
  last_used_at: number | null
  created_at: number
  revoked_at: number | null
}

export type UserRow = {
  id: string
  /** In small letters. */
  email: string
  name: string
  /** A PHC string of argon2id; null where the user has no password. */
  password_hash: string | null
  created_at: number
  disabled_at: number | null
}

/** Owners do everything, members make and see pictures, viewers only see them. */
export type Role = "owner" | "member" | "viewer"

export type MembershipRow = { project_id: string; user_id: string; role: Role; created_at: number }

/** A project's own key of a vendor. */
export type VendorKeyRow = {
  project_id: string
  provider: string
  sealed_key: string
  last4: string
  created_at: number
  updated_at: number
}
