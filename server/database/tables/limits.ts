// How often who has asked. Times are milliseconds since 1970.

export type LimitRow = {
  name: string
  /** When, by an even pace, the last request that was let through would have come; parts of a millisecond count. */
  arrives_at: number
}
