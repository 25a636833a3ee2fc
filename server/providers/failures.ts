// What a vendor's status means where its adapter has nothing to add.
import type { VendorFailure } from "./provider.ts"

/**
 * `untouched` only where the vendor surely did no work: it alone allows another call. An error from something in
 * between (502, 504) says nothing about the work behind it.
 */
export function failureOfStatus(status: number): VendorFailure {
  if (status === 401 || status === 403)
    return { code: "provider_unavailable", detail: "The vendor did not accept this server's key.", untouched: true }
  if (status === 402)
    return { code: "provider_unavailable", detail: "The vendor's account has no credit left.", untouched: true }
  if (status === 404) return { code: "provider_unavailable", detail: "The vendor does not serve this model." }
  if (status === 408 || status === 504) return { code: "provider_timeout" }
  // 409 is a lock that somebody else holds for a moment.
  if (status === 409 || status === 429 || status === 503) return { code: "provider_busy", untouched: true }
  if (status === 500) return { code: "provider_error", untouched: true }
  if (status >= 400 && status < 500)
    return { code: "invalid_request", detail: "The vendor did not accept the request." }
  return { code: "provider_error" }
}
