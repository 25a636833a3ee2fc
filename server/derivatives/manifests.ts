// C2PA manifests, read and signed by the official core as WebAssembly. Only ever imported by the program of a child
// process: the core is nine megabytes, and it reads what strangers have written.
import { createPrivateKey } from "node:crypto"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { initSync, WasmBuilder, WasmReader } from "@contentauth/c2pa-wasm"
import type { Done } from "../children/program.ts"
import { fail } from "../errors.ts"
import { signatureBytes, signClaim } from "./cose.ts"
import type { Algorithm } from "./cose.ts"
import type { Manifest } from "./manifest.ts"

/** The first picture is the original, the second what was made of it. Certificates are DER in base64. */
export type SigningOrder = {
  kind: "sign"
  mediaType: string
  original: { mediaType: string; title: string }
  actions: string[]
  signer: { algorithm: Algorithm; key: string; certificates: string[] }
}

export type ReadingOrder = { kind: "read"; mediaType: string }

// The core is made for a browser's worker. It reads a file by this one call, of a slice of a Blob.
class PictureBlob extends Blob {
  readonly content: Uint8Array<ArrayBuffer>

  constructor(content: Uint8Array<ArrayBuffer>) {
    super([content])
    this.content = content
  }

  override slice(start?: number, end?: number): Blob {
    return new PictureBlob(this.content.subarray(start, end))
  }
}

class FileReaderSync {
  readAsArrayBuffer({ content }: PictureBlob): ArrayBuffer {
    return content.buffer.slice(content.byteOffset, content.byteOffset + content.length)
  }
}

// A manifest may name addresses to fetch more from: nothing is.
const noFetch = () => Promise.reject(new Error("nothing is fetched here"))
Object.assign(globalThis, { FileReaderSync, fetch: noFetch })

const settings = JSON.stringify({
  verify: { remote_manifest_fetch: false, ocsp_fetch: false },
  builder: { thumbnail: { enabled: false } },
})

const core = import.meta.resolve("@contentauth/c2pa-wasm/assets/c2pa_bg.wasm")
initSync({ module: readFileSync(fileURLToPath(core)) })

const blobOf = (picture: Buffer): PictureBlob => new PictureBlob(new Uint8Array(picture))

export async function handleManifest(order: SigningOrder | ReadingOrder, pictures: Buffer[]): Promise<Done> {
  return order.kind === "sign" ? sign(order, pictures) : { told: await read(order, pictures[0]!) }
}

async function sign(order: SigningOrder, [original, derivative]: Buffer[]): Promise<Done> {
  const { algorithm, key, certificates } = order.signer
  const chain = certificates.map((one) => Buffer.from(one, "base64"))
  const signing = { algorithm, key: createPrivateKey(key), certificates: chain }
  const claim = { claim_generator_info: [{ name: "Atelier" }], title: order.original.title, format: order.mediaType }
  const builder = WasmBuilder.fromJson(JSON.stringify(claim), settings)
  builder.setIntent("edit")
  const parent = JSON.stringify({ title: order.original.title, relationship: "parentOf" })
  await builder.addIngredientFromBlob(parent, order.original.mediaType, blobOf(original!))
  for (const action of order.actions) builder.addAction({ action })
  const signer = {
    alg: algorithm,
    reserveSize: signatureBytes(signing),
    sign: async (content: Uint8Array) => new Uint8Array(signClaim(signing, content)),
  }
  const picture = await builder.sign(signer, order.mediaType, blobOf(derivative!))
  return { told: {}, picture }
}

type Store = {
  validation_state: string
  validation_status?: { code: string }[]
  active_manifest: string
  manifests: Record<
    string,
    {
      claim_generator?: string
      claim_generator_info?: { name: string; version?: string }[]
      signature_info?: { issuer?: string; common_name?: string }
    }
  >
}

async function read({ mediaType }: ReadingOrder, picture: Buffer): Promise<Manifest> {
  const reader = await WasmReader.fromBlob(mediaType, blobOf(picture), settings).catch((error: unknown) =>
    fail("image_invalid", "has a manifest that cannot be read", error),
  )
  const store = JSON.parse(reader.json()) as Store
  const active = store.manifests[store.active_manifest]
  const [generator] = active?.claim_generator_info ?? []
  const { common_name, issuer } = active?.signature_info ?? {}
  const state = store.validation_state.toLowerCase()
  return {
    state: state === "trusted" || state === "valid" ? state : "invalid",
    generator: [generator?.name, generator?.version].filter(Boolean).join(" ") || (active?.claim_generator ?? null),
    signer: common_name ?? issuer ?? null,
    codes: (store.validation_status ?? []).map(({ code }) => code),
  }
}
