// Certificates for the tests of TLS, signed by nobody but themselves, since Node makes keys but no certificates.
import { generateKeyPairSync, sign } from "node:crypto"

export type Certificate = { key: string; cert: string }

/** For one name, and for a day around now unless it is to be an old one. */
export function selfSigned(name: string, { expired = false } = {}): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const now = Date.now()
  const [from, until] = expired ? [now - 2 * dayMs, now - dayMs] : [now - dayMs, now + dayMs]
  const issuer = sequence(der(0x31, sequence(der(0x06, hex("550403")), der(0x0c, Buffer.from(name)))))
  const names = sequence(der(0x82, Buffer.from(name)))
  const extensions = der(0xa3, sequence(sequence(der(0x06, hex("551d11")), der(0x04, names))))
  const version = der(0xa0, der(0x02, hex("02")))
  const validity = sequence(time(from), time(until))
  const key = publicKey.export({ type: "spki", format: "der" })
  const signed = sequence(version, der(0x02, hex("01")), ecdsa, issuer, validity, issuer, key, extensions)
  const signature = der(0x03, hex("00"), sign("sha256", signed, privateKey))
  const base64 = sequence(signed, ecdsa, signature).toString("base64")
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }),
    cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
  }
}

const dayMs = 86_400_000

const hex = (digits: string): Buffer => Buffer.from(digits, "hex")

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const { length } = body
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), body])
}

const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts)

const ecdsa = sequence(der(0x06, hex("2a8648ce3d040302")))

/** As UTCTime: 20261129055000Z without its century. */
function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/\D/g, "").slice(2, 14)
  return der(0x17, Buffer.from(`${digits}Z`))
}
