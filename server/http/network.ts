// Whose calls count together where addresses are limited.

/**
 * The address itself, or for IPv6 its network of 64 bits: whoever has one address of it has all of them. An IPv4 address
 * in the clothes of IPv6 is that IPv4 address.
 */
export function networkOf(address: string): string {
  const [plain = ""] = address.split("%")
  if (!plain.includes(":")) return address
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(plain) ?? []
  if (mapped !== undefined) return mapped
  const [head = "", tail] = plain.split("::")
  const groups = (text: string) => text.split(":").filter((group) => group !== "")
  const before = groups(head)
  const missing = tail === undefined ? 0 : 8 - before.length - groups(tail).length
  const all = [...before, ...Array.from({ length: missing }, () => "0"), ...groups(tail ?? "")]
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`
}
