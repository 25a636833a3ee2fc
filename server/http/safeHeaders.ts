// Headers that every answer carries, whatever it is; pictures and pages put their own in their place.

/** Answers are data for programs: a browser shall neither guess at them, nor frame, keep or run them. */
export const safeHeaders: Record<string, string> = {
  "x-content-type-options": "nosniff",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "cache-control": "no-store",
}

const yearSeconds = 31_536_000

/** Where callers reach the server by https alone, browsers are told so. */
export const secureHeaders = (publicUrl: string): Record<string, string> =>
  publicUrl.startsWith("https:") ? { "strict-transport-security": `max-age=${yearSeconds}` } : {}
