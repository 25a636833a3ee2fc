// The operator's key for signing derivatives, read and checked once, at the start.
import { createHash, createPrivateKey, X509Certificate } from "node:crypto"
import type { KeyObject } from "node:crypto"
import { readFileSync } from "node:fs"
import type { App } from "../app.ts"
import type { Algorithm } from "./cose.ts"

export type Signer = {
  algorithm: Algorithm
  /** PEM. */
  key: string
  /** DER in base64, the signer's own first. */
  certificates: string[]
  /** Of the signer's own certificate: SHA-256 in hex. */
  fingerprint: string
  /** Milliseconds since 1970. */
  until: number
}

/** Undefined where the operator gives no key. Throws an Error that names the setting. */
export function readSigner({ c2paCert, c2paKey }: Pick<App["config"], "c2paCert" | "c2paKey">): Signer | undefined {
  if (c2paCert === "" && c2paKey === "") return undefined
  if (c2paCert === "" || c2paKey === "")
    throw new Error("ATELIER_C2PA_CERT and ATELIER_C2PA_KEY must be set together, or neither")
  const certificates = readCertificates(c2paCert)
  const key = readKey(c2paKey)
  const [own] = certificates
  if (!own!.checkPrivateKey(key))
    throw new Error("ATELIER_C2PA_KEY is not the key of the first certificate in ATELIER_C2PA_CERT")
  if (own!.ca)
    throw new Error("ATELIER_C2PA_CERT must begin with the signer's own certificate, not that of an authority")
  const algorithm = algorithmOf(key)
  if (!algorithm) throw new Error("ATELIER_C2PA_KEY must be P-256, P-384, P-521, Ed25519, or RSA of 2048 bits or more")
  return {
    algorithm,
    key: key.export({ type: "pkcs8", format: "pem" }) as string,
    certificates: certificates.map(({ raw }) => raw.toString("base64")),
    fingerprint: createHash("sha256").update(own!.raw).digest("hex"),
    until: Date.parse(own!.validTo),
  }
}

const pem = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

function readCertificates(path: string): X509Certificate[] {
  try {
    const found = readFileSync(path, "latin1").match(pem) ?? []
    if (found.length === 0) throw new Error("there is no certificate in it")
    return found.map((text) => new X509Certificate(text))
  } catch (error) {
    throw new Error(`ATELIER_C2PA_CERT must be a PEM file of certificates: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

function readKey(path: string): KeyObject {
  try {
    return createPrivateKey(readFileSync(path))
  } catch (error) {
    throw new Error("ATELIER_C2PA_KEY must be a PEM file with a private key that has no password", { cause: error })
  }
}

const curves: Record<string, Algorithm> = { prime256v1: "es256", secp384r1: "es384", secp521r1: "es512" }

function algorithmOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): Algorithm | undefined {
  if (type === "ed25519") return "ed25519"
  if (type === "ec") return curves[details?.namedCurve ?? ""]
  return type === "rsa" && (details?.modulusLength ?? 0) >= 2048 ? "ps256" : undefined
}
