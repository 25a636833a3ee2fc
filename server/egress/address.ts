// Which URLs and addresses a request that somebody else asked for may go to. Pure: it never resolves or connects.
import { isIP } from "node:net"
import { networkInterfaces } from "node:os"
import ipaddr from "ipaddr.js"
import { isWithin, readRange } from "../addresses.ts"
import type { Address, Range } from "../addresses.ts"

export type AddressPolicy = {
  /** The operator's own ranges; they win over every refusal of an address. */
  allow: readonly Range[]
  ports: readonly number[]
  /** This machine's addresses. */
  own: () => readonly string[]
}

/** A URL that may be fetched, or why it may not: for the log, never for the caller. */
export type Checked = { url: URL } | { refused: string }

const ranges = (...texts: string[]): Range[] => texts.map((text) => ipaddr.parseCIDR(text))

const refusedIPv4 = [
  ...ranges("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
  ...ranges("192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16"),
  ...ranges("192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
  // Azure's metadata and DNS address, public by its number alone.
  ...ranges("168.63.129.16/32"),
]
const globalIPv6 = ranges("2000::/3")
const refusedIPv6 = ranges("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")

const privateNames =
  "localhost localdomain local internal intranet lan home corp private home.arpa onion i2p test invalid".split(" ")

/**
 * Reads the operator's settings: ranges as CIDR (none by default) and ports (80, 443, 8080 and 8443 by default).
 * Throws an Error naming the setting where a range is not one.
 */
export function readPolicy(settings: { allow?: readonly string[]; ports?: readonly number[] } = {}): AddressPolicy {
  return {
    allow: (settings.allow ?? []).map(readAllowed),
    ports: settings.ports ?? [80, 443, 8080, 8443],
    own: ownAddresses,
  }
}

function readAllowed(text: string): Range {
  const range = readRange(text)
  if (range) return range
  throw new Error(`ATELIER_EGRESS_ALLOW: "${text}" is not a range such as 10.0.0.0/8 or fd00::/8.`)
}

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))

/** The rules that a URL can break by itself. The addresses behind a name are the caller's to resolve and to check. */
export function checkUrl(text: string, policy: AddressPolicy): Checked {
  const url = URL.parse(text)
  if (!url) return { refused: "not a URL" }
  if (url.protocol !== "http:" && url.protocol !== "https:") return { refused: "scheme" }
  if (url.username !== "" || url.password !== "") return { refused: "credentials" }
  if (!policy.ports.includes(portOf(url))) return { refused: "port" }
  const host = hostOf(url)
  if (isIP(host) !== 0) return isPublicAddress(host, policy) ? { url } : { refused: "address" }
  return isPublicName(host) ? { url } : { refused: "name" }
}

/** The same rules for where a redirect leads; `location` may be relative. Nothing leads from https to http. */
export function checkRedirect(from: URL, location: string, policy: AddressPolicy): Checked {
  const to = URL.parse(location, from)
  if (!to) return { refused: "not a URL" }
  if (from.protocol === "https:" && to.protocol === "http:") return { refused: "https to http" }
  return checkUrl(to.href, policy)
}

/** For webhooks: https, or plain http at any port of an address in the operator's own ranges. */
export function checkTarget(text: string, policy: AddressPolicy): Checked {
  const url = URL.parse(text)
  const host = url ? hostOf(url) : ""
  const isOwn = isIP(host) !== 0 && isWithin(ipaddr.process(host), policy.allow)
  if (url && isOwn) return checkUrl(text, { ...policy, ports: [portOf(url)] })
  return url?.protocol === "http:" ? { refused: "not https" } : checkUrl(text, policy)
}

/** Whether a request may go to this address. Anything that is not a plain IP address may not. */
export function isPublicAddress(ip: string, policy: AddressPolicy): boolean {
  // An address with a zone belongs to one link of this machine.
  if (isIP(ip) === 0 || ip.includes("%")) return false
  // IPv4 inside ::ffff:0:0/96 is IPv4.
  const address = ipaddr.process(ip)
  if (isWithin(address, policy.allow)) return true
  if (policy.own().some((own) => isSame(address, own))) return false
  if (address.kind() === "ipv4") return !isWithin(address, refusedIPv4)
  return isWithin(address, globalIPv6) && !isWithin(address, refusedIPv6)
}

/** The host without brackets and without the dot that makes a name fully qualified. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$|\.$/g, "")

const portOf = (url: URL): number => (url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port))

function isPublicName(name: string): boolean {
  const labels = name.split(".")
  if (labels.length < 2 || labels.includes("")) return false
  return !privateNames.some((ending) => `.${name}`.endsWith(`.${ending}`))
}

const isSame = (address: Address, other: string): boolean =>
  address.toNormalizedString() === ipaddr.process(other).toNormalizedString()
