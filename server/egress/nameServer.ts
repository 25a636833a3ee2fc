// A name server on loopback for tests, which answers what it is told, and a resolver that asks it and nobody else.
import { createSocket } from "node:dgram"
import { Resolver } from "node:dns/promises"
import { once } from "node:events"
import { isIPv6 } from "node:net"
import type { TestContext } from "node:test"
import type { Resolve } from "./guarded.ts"

/** Addresses, a name that this one only stands for with those of that name, a refusal by number, or no answer at all. */
export type NameAnswer = { ips?: string[]; alias?: string; refusal?: number; silent?: boolean }

export const notThere: NameAnswer = { refusal: 3 }
export const broken: NameAnswer = { refusal: 2 }

type Kind = "A" | "AAAA"

export type NameServer = {
  resolve: Resolve
  /** "A pictures.example.com", in the order of asking. */
  asked: string[]
  /** Asked anew at each question; an answer holds addresses of both kinds, of which the right ones are sent. */
  answer: (name: string, kind: Kind) => NameAnswer
}

const kinds: Record<number, Kind> = { 1: "A", 28: "AAAA" }

export async function startNameServer(t: TestContext): Promise<NameServer> {
  const socket = createSocket("udp4")
  const asked: string[] = []
  socket.on("message", (question, { port, address }) => {
    const { name, kind, end } = readQuestion(question)
    asked.push(`${kind} ${name}`)
    const answer = server.answer(name, kind)
    if (answer.silent !== true) socket.send(writeAnswer(question.subarray(0, end), kind, answer), port, address)
  })
  socket.bind(0, "127.0.0.1")
  await once(socket, "listening")
  t.after(() => socket.close())
  const resolver = new Resolver({ timeout: 300, tries: 1 })
  resolver.setServers([`127.0.0.1:${socket.address().port}`])
  const server: NameServer = { asked, answer: () => notThere, resolve: (name) => resolveBoth(resolver, name) }
  return server
}

/** Addresses of both kinds, as the system's resolver has them. Rejects where there are none of either. */
async function resolveBoth(resolver: Resolver, name: string) {
  const [four, six] = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
  if (four.status === "rejected" && six.status === "rejected") throw four.reason
  const [ipv4, ipv6] = [four, six].map((found) => (found.status === "fulfilled" ? found.value : []))
  return [...ipv4!.map((address) => ({ address, family: 4 })), ...ipv6!.map((address) => ({ address, family: 6 }))]
}

/** The name and kind of the one question in a packet, and where it ends. */
function readQuestion(packet: Buffer): { name: string; kind: Kind; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = packet[at]!; length > 0; length = packet[at]!) {
    labels.push(packet.toString("latin1", at + 1, at + 1 + length))
    at += 1 + length
  }
  const kind = kinds[packet.readUInt16BE(at + 1)]
  if (!kind) throw new Error("a question that no test asks")
  return { name: labels.join("."), kind, end: at + 5 }
}

/** Nobody may keep any of it: every record lives for no time. */
function writeAnswer(question: Buffer, kind: Kind, { ips = [], alias, refusal = 0 }: NameAnswer): Buffer {
  const asked = Buffer.from([0xc0, 12])
  const owner = alias === undefined ? asked : nameBytes(alias)
  const addresses = ips.filter((ip) => isIPv6(ip) === (kind === "AAAA")).map(addressBytes)
  const records = [
    ...(alias === undefined ? [] : [record(asked, 5, nameBytes(alias))]),
    ...addresses.map((bytes) => record(owner, kind === "A" ? 1 : 28, bytes)),
  ]
  const packet = Buffer.concat([question, ...records])
  packet.writeUInt16BE(0x8580 | refusal, 2)
  ;[1, records.length, 0, 0].forEach((count, index) => packet.writeUInt16BE(count, 4 + 2 * index))
  return packet
}

function record(owner: Buffer, type: number, data: Buffer): Buffer {
  const head = Buffer.alloc(10)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(1, 2)
  head.writeUInt16BE(data.length, 8)
  return Buffer.concat([owner, head, data])
}

const nameBytes = (name: string): Buffer =>
  Buffer.concat([...name.split("."), ""].map((label) => Buffer.from([label.length, ...Buffer.from(label)])))

function addressBytes(ip: string): Buffer {
  if (!isIPv6(ip)) return Buffer.from(ip.split(".").map(Number))
  // The URL parser writes the last 32 bits as two groups too.
  const [before = "", after = ""] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split("::")
  const [left, right] = [before, after].map((half) => half.split(":").filter((group) => group !== ""))
  const groups = [...left!, ...Array<string>(8 - left!.length - right!.length).fill("0"), ...right!]
  const bytes = Buffer.alloc(16)
  groups.forEach((group, index) => bytes.writeUInt16BE(Number.parseInt(group, 16), 2 * index))
  return bytes
}
