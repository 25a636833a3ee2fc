// Where time goes, from a caller's request to the vendor and the webhook, for those who collect traces.

/** Names and numbers alone: no address, no key and no prompt. */
export type Facts = Record<string, string | number | boolean>

export type Span = {
  /** In the form of W3C's `traceparent` header, to be kept and handed on; undefined where nothing is traced. */
  traceparent: string | undefined
  note: (facts: Facts) => void
  /** `failure` is its code, where it came to nothing. */
  end: (failure?: string) => void
}

export type NewSpan = {
  kind: "server" | "client" | "internal"
  /** The span it belongs under, as `traceparent` has it. Anything else begins a trace of its own. */
  parent?: string | undefined
  facts?: Facts
}

export type Traces = {
  start: (name: string, span: NewSpan) => Span
  /** Sends what is not sent yet. */
  close: () => Promise<void>
}

const nothing: Span = { traceparent: undefined, note: () => undefined, end: () => undefined }

/** Where no collector is configured. */
export const noTraces: Traces = { start: () => nothing, close: async () => undefined }
