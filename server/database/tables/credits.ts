// The ledger. Times are milliseconds since 1970; columns ending in _json hold JSON text.

export type AccountRow = {
  id: string
  /** Null for the house's own. */
  project_id: string | null
  mode: "live" | "test"
  /**
   * What a project may spend and what is set aside for its work; what the house has granted, and what work came to:
   * sold, or lost.
   */
  kind: "available" | "reserved" | "granted" | "revenue"
  /** The sum of its entries; of the house's own 0, whatever they sum to. */
  balance_micros: number
}

/** `adjust` of a generation is what the house lost on it, and touches none of the project's accounts. */
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

export type EntryRow = { posting_id: string; account_id: string; amount_micros: number }

/** A call that the vendor may bill and that nobody pays for. */
export type LossRow = {
  attempt_id: string
  generation_id: string
  provider: string
  vendor_model: string
  /** What was set aside for it. */
  amount_micros: number
  reason: string
  created_at: number
}
