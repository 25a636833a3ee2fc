// IP addresses and ranges of them, as people and proxies write them. IPv4 inside ::ffff:0:0/96 is IPv4.
import { isIP } from "node:net"
import ipaddr from "ipaddr.js"

export type Address = ipaddr.IPv4 | ipaddr.IPv6
export type Range = [Address, number]

/** Undefined where the text is no range such as 10.0.0.0/8 or fd00::/8. */
export function readRange(text: string): Range | undefined {
  const [, base = "", length = ""] = /^([^/%]+)\/(\d{1,3})$/.exec(text) ?? []
  const version = isIP(base)
  if (version === 0 || Number(length) > (version === 4 ? 32 : 128)) return undefined
  const address = parse(base)
  const bits = address.kind() === "ipv4" && version === 6 ? Number(length) - 96 : Number(length)
  return bits < 0 ? undefined : [address, bits]
}

/** The same, or one address by itself. */
export function readAddresses(text: string): Range | undefined {
  const version = isIP(text)
  return readRange(version === 0 ? text : `${text}/${version === 4 ? 32 : 128}`)
}

/**
 * An address in one spelling. Some proxies write the port behind it, and one of this machine's links has a zone. What is
 * no address stays as it is.
 */
export function plainAddress(text: string): string {
  // Of IPv4 there is one spelling only.
  if (isIP(text) === 4) return text
  const bare = /^([\d.]+):\d+$/.exec(text)?.[1] ?? /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? text
  const [address = ""] = bare.split("%")
  return isIP(address) === 0 ? text : parse(address).toString()
}

/** Of an address. ipaddr.js alone takes ::10.0.0.1 for ::ffff:10.0.0.1. */
function parse(address: string): Address {
  if (isIP(address) === 4) return ipaddr.IPv4.parse(address)
  return ipaddr.process(new URL(`http://[${address}]`).hostname.slice(1, -1))
}

export const isWithin = (address: Address, ranges: readonly Range[]): boolean =>
  ranges.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))

/** Whether the text is an address in one of the ranges; what is no address is in none. */
export function isAddressWithin(text: string, ranges: readonly Range[]): boolean {
  const plain = plainAddress(text)
  return isIP(plain) !== 0 && isWithin(parse(plain), ranges)
}

/**
 * Whose calls count together where addresses are limited: for IPv6 a network of 64 bits, since whoever has one address
 * of it has all of them.
 */
export function networkOf(text: string): string {
  const plain = plainAddress(text)
  if (isIP(plain) !== 6) return plain
  const { parts } = ipaddr.IPv6.parse(plain)
  return `${parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(":")}::/64`
}
