// Certificates for tests, as C2PA wants them: an authority of the test's own and a signer below it.
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { writeFileSync } from "node:fs"
import { join } from "node:path"

type Pair = { publicKey: KeyObject; privateKey: KeyObject }

export const keyKinds = {
  es256: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  es384: () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  es512: () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  ps256: () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  ed25519: () => generateKeyPairSync("ed25519"),
} satisfies Record<string, () => Pair>

// DER, as far as it is needed here.
function der(tag: number, ...content: Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const { length } = body
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), body])
}
const sequence = (...content: Buffer[]) => der(0x30, ...content)
const octets = (...content: Buffer[]) => der(0x04, ...content)
const yes = der(0x01, Buffer.from([0xff]))

/** "1.2.840" as an object identifier. */
function id(dotted: string): Buffer {
  const [first, second, ...others] = dotted.split(".").map(Number)
  const bytes = others.flatMap((value) => {
    const sevens = [value & 0x7f]
    for (let rest = value >> 7; rest > 0; rest >>= 7) sevens.unshift((rest & 0x7f) | 0x80)
    return sevens
  })
  return der(0x06, Buffer.from([first! * 40 + second!, ...bytes]))
}

const ecdsaWithSha256 = sequence(id("1.2.840.10045.4.3.2"))
const utf8 = (text: string) => der(0x0c, Buffer.from(text))
const nameOf = (name: string) =>
  sequence(der(0x31, sequence(id("2.5.4.10"), utf8("Atelier's tests"))), der(0x31, sequence(id("2.5.4.3"), utf8(name))))
const time = (date: Date) =>
  der(
    0x17,
    Buffer.from(
      `${date
        .toISOString()
        .replaceAll(/[-:T]|\.\d+/g, "")
        .slice(2)}`,
    ),
  )

const critical = (oid: string, content: Buffer) => sequence(id(oid), yes, octets(content))
const plain = (oid: string, content: Buffer) => sequence(id(oid), octets(content))
const usage = (bits: number, unused: number) => critical("2.5.29.15", der(0x03, Buffer.from([unused, bits])))

const spkiOf = ({ publicKey }: Pair): Buffer => publicKey.export({ type: "spki", format: "der" })
const keyIdOf = (pair: Pair) => createHash("sha1").update(spkiOf(pair)).digest()

type Wish = { name: string; pair: Pair; issuer: { name: string; pair: Pair }; authority: boolean; until: Date }

function certificate({ name, pair, issuer, authority, until }: Wish): string {
  const extensions = [
    critical("2.5.29.19", authority ? sequence(yes) : sequence()),
    authority ? usage(0x06, 1) : usage(0x80, 7),
    plain("2.5.29.14", octets(keyIdOf(pair))),
    plain("2.5.29.35", sequence(der(0x80, keyIdOf(issuer.pair)))),
    ...(authority ? [] : [critical("2.5.29.37", sequence(id("1.3.6.1.5.5.7.3.4")))]),
  ]
  const facts = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    nameOf(issuer.name),
    sequence(time(new Date("2026-01-01")), time(until)),
    nameOf(name),
    spkiOf(pair),
    der(0xa3, sequence(...extensions)),
  )
  const signature = sign("sha256", facts, issuer.pair.privateKey)
  const whole = sequence(facts, ecdsaWithSha256, der(0x03, Buffer.from([0]), signature))
  const lines = whole.toString("base64").match(/.{1,64}/g)!
  return ["-----BEGIN CERTIFICATE-----", ...lines, "-----END CERTIFICATE-----", ""].join("\n")
}

export type Identity = {
  certificate: string
  key: string
  /** Paths, for settings. */ files: { cert: string; key: string }
}

/** A signer and its authority, in files of the folder. */
export function makeIdentity(
  folder: string,
  kind: keyof typeof keyKinds = "es256",
  until = new Date("2045-01-01"),
): Identity {
  const root = { name: "Test authority", pair: keyKinds.es256() }
  const pair = keyKinds[kind]()
  const own = certificate({ name: "Test signer", pair, issuer: root, authority: false, until })
  const chain = own + certificate({ ...root, issuer: root, authority: true, until: new Date("2045-01-01") })
  const key = pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string
  const files = {
    cert: join(folder, `${kind}-${until.getTime()}.pem`),
    key: join(folder, `${kind}-${until.getTime()}.key`),
  }
  writeFileSync(files.cert, chain)
  writeFileSync(files.key, key, { mode: 0o600 })
  return { certificate: chain, key, files }
}
