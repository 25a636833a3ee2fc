// A claim's signature as C2PA wants it: COSE_Sign1 over the claim, which stands elsewhere, with the certificates in the
// protected header. See RFC 9052 and C2PA 2.2, section 13.2.
import { constants, sign } from "node:crypto"
import type { KeyObject } from "node:crypto"

/** By their names in C2PA: COSE's number, and the digest where the kind of key does not imply it. */
export const algorithms = {
  es256: { number: -7, digest: "sha256" },
  es384: { number: -35, digest: "sha384" },
  es512: { number: -36, digest: "sha512" },
  ps256: { number: -37, digest: "sha256" },
  ed25519: { number: -8, digest: null },
} as const

export type Algorithm = keyof typeof algorithms

export type Signing = {
  algorithm: Algorithm
  key: KeyObject
  /** DER, the signer's own first. */
  certificates: Buffer[]
}

// CBOR, as far as it is needed here.
function head(major: number, value: number): Buffer {
  if (value < 24) return Buffer.from([(major << 5) | value])
  if (value < 0x100) return Buffer.from([(major << 5) | 24, value])
  return value < 0x1_0000
    ? Buffer.from([(major << 5) | 25, value >> 8, value & 0xff])
    : Buffer.from([(major << 5) | 26, value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff])
}
const integer = (value: number) => (value < 0 ? head(1, -1 - value) : head(0, value))
const bytes = (content: Uint8Array) => Buffer.concat([head(2, content.length), content])
const text = (content: string) => Buffer.concat([head(3, Buffer.byteLength(content)), Buffer.from(content)])
const array = (...items: Buffer[]) => Buffer.concat([head(4, items.length), ...items])
const map = (...pairs: [Buffer, Buffer][]) => Buffer.concat([head(5, pairs.length), ...pairs.flat()])
const nothing = Buffer.from([0xf6])
const sign1Tag = Buffer.from([0xd2])

// Names of the protected header.
const [algorithmLabel, chainLabel] = [1, 33]

/** How long `signClaim` makes a signature: the certificates, and room for the rest. */
export const signatureBytes = ({ certificates }: Pick<Signing, "certificates">): number =>
  certificates.reduce((sum, { length }) => sum + length + 5, 2048)

/** Exactly `signatureBytes` long, by a padding that nobody reads. */
export function signClaim(signing: Signing, claim: Uint8Array): Buffer {
  const { algorithm, certificates } = signing
  const [only, ...others] = certificates.map(bytes)
  const chain = others.length === 0 ? only! : array(only!, ...others)
  const header = bytes(
    map([integer(algorithmLabel), integer(algorithms[algorithm].number)], [integer(chainLabel), chain]),
  )
  const signature = signBytes(signing, array(text("Signature1"), header, bytes(Buffer.alloc(0)), bytes(claim)))
  const write = (padding: number) => {
    const open = map([text("pad"), bytes(Buffer.alloc(padding))])
    return Buffer.concat([sign1Tag, array(header, open, nothing, bytes(signature))])
  }
  // A padding between 256 and 65,535 has a head of the same length.
  return write(signatureBytes(signing) - write(256).length + 256)
}

function signBytes({ algorithm, key }: Signing, content: Buffer): Buffer {
  const { digest } = algorithms[algorithm]
  if (algorithm !== "ps256") return sign(digest, content, { key, dsaEncoding: "ieee-p1363" })
  return sign(digest, content, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 })
}
