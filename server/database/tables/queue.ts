// Work that waits. Times are milliseconds since 1970; columns ending in _json hold JSON text.

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
