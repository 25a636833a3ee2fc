// What comes of a call whose prompt asks for a mishap, for the vendors whose ends most others share.
import type { mishaps } from "../sandbox/mishaps.ts"
import type { VendorFailure } from "./provider.ts"

export type Word = keyof typeof mishaps

/** What comes of a call: "picture", what is wrong with the picture, or a failure. */
export type End = "picture" | "not a picture" | "the download breaks off" | VendorFailure

export const failures = {
  moderated: { code: "content_refused" },
  promptRefused: {
    code: "content_refused",
    refused: "prompt",
    detail: "The vendor's filter refused the prompt or a reference picture.",
  },
  pictureRefused: {
    code: "content_refused",
    refused: "picture",
    detail: "The vendor's filter refused the picture that was made.",
  },
  askedToWait: { code: "provider_busy", untouched: true, retryAfterSeconds: 1 },
  busy: { code: "provider_busy", untouched: true },
  unpaid: { code: "provider_unavailable", detail: "The vendor's account has no credit left.", untouched: true },
  fault: { code: "provider_error", untouched: true },
  taskFault: { code: "provider_error", untouched: true, ofTask: true },
  late: { code: "provider_timeout" },
  empty: { code: "provider_error", detail: "The vendor answered without a picture.", ofTask: true },
  ended: { code: "provider_error", detail: "The vendor's stream ended without a picture." },
  damaged: { code: "provider_error", detail: "The vendor's answer was broken off or damaged." },
} satisfies Record<string, VendorFailure>

/** For each word: the ends of one call after another with the same prompt. */
export type Expected = Record<Word, End[]>

export const ofOpenAI: Expected = {
  "sandbox:moderation": [failures.moderated],
  "sandbox:moderation-output": [failures.moderated],
  "sandbox:rate-limit": [failures.askedToWait, failures.askedToWait],
  "sandbox:rate-limit-once": [failures.askedToWait, "picture"],
  "sandbox:no-credit": [failures.unpaid],
  "sandbox:error": [failures.fault, failures.fault],
  "sandbox:error-once": [failures.fault, "picture"],
  "sandbox:task-error": [failures.fault],
  "sandbox:overloaded": [failures.busy],
  "sandbox:timeout": [failures.late],
  "sandbox:no-image": [failures.empty],
  "sandbox:broken-body": [failures.damaged],
  "sandbox:bad-base64": [failures.damaged],
  "sandbox:slow-drip": ["picture"],
  "sandbox:html": [failures.damaged],
  "sandbox:slow": ["picture"],
}

export const ofOpenAIStreams: Expected = { ...ofOpenAI, "sandbox:no-image": [failures.ended] }

export const ofBfl: Expected = {
  ...ofOpenAI,
  "sandbox:moderation": [failures.promptRefused],
  "sandbox:moderation-output": [failures.pictureRefused],
  "sandbox:task-error": [failures.taskFault],
  // BFL's pictures come by link, so that the answer itself is sound.
  "sandbox:broken-body": ["the download breaks off"],
  "sandbox:bad-base64": ["not a picture"],
}
