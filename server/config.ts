// Every setting, once: its name, what it means, what it may be. docs/guide/configuration.md is written from this file.
import { isAbsolute, resolve } from "node:path"
import { z } from "zod"
import {
  addresses,
  compatibleModels,
  listenAddress,
  masterKeys,
  ports,
  postgresAddress,
  ranges,
  webAddress,
  whole,
} from "./configValues.ts"
import { nearest } from "./nearest.ts"

type Setting<T> = { name: string; about: string; fallback: string; schema: z.ZodType<T> }

const setting = <T>(name: string, fallback: string, schema: z.ZodType<T>, about: string): Setting<T> => ({
  name,
  about,
  fallback,
  schema,
})

export const settings = {
  host: setting(
    "ATELIER_HOST",
    "127.0.0.1",
    z.string().min(1),
    "The address to listen on. `0.0.0.0` takes calls from other machines.",
  ),
  port: setting("ATELIER_PORT", "8787", whole(0, 65535), "The port to listen on; 0 takes any free one."),
  databaseUrl: setting(
    "ATELIER_DATABASE_URL",
    "",
    z.union([z.literal(""), postgresAddress]),
    "The PostgreSQL database, 15 or newer: `postgresql://user:password@host:5432/name`, for several servers at once. They share the folder of `ATELIER_DATA` as well. Empty: SQLite in that folder, for one server.",
  ),
  dataFolder: setting("ATELIER_DATA", "data", z.string().min(1), "The folder for the database and the pictures."),
  masterKey: setting(
    "ATELIER_MASTER_KEY",
    "",
    masterKeys,
    "The master key, 32 bytes in hex or base64 (`openssl rand -hex 32`), which seals every secret in the database. Several, the newest first, with commas between, while they are changed. Empty: it is in a file.",
  ),
  masterKeyFile: setting(
    "ATELIER_MASTER_KEY_FILE",
    "",
    z.string().refine((path) => path === "" || isAbsolute(path), "the whole path of a file"),
    "The file with the master key, readable by its owner alone; several keys, the newest first, one a line. Empty: `master-key` in the folder of `ATELIER_DATA`, made at the first start.",
  ),
  publicUrl: setting(
    "ATELIER_PUBLIC_URL",
    "",
    z.union([z.literal(""), webAddress]),
    "The address callers reach this server at, for links in answers. Empty: the one the caller used.",
  ),
  trustedProxies: setting(
    "ATELIER_TRUSTED_PROXIES",
    "",
    addresses,
    "Addresses and ranges of your own reverse proxies, with commas between. They alone are believed about where a call comes from, for keys bound to addresses, limits and links (`X-Forwarded-For`, `-Proto`, `-Host`). Empty: nobody is.",
  ),
  linkHours: setting("ATELIER_LINK_HOURS", "24", whole(1, 8760), "How many hours a signed link to a picture works."),
  concurrency: setting(
    "ATELIER_CONCURRENCY",
    "64",
    whole(1, 10_000),
    "How many generations nobody waits for are worked on at once.",
  ),
  pictureMaxMb: setting(
    "ATELIER_PICTURE_MAX_MB",
    "64",
    whole(1, 1024),
    "The largest picture taken from a vendor, in MB.",
  ),
  uploadMaxMb: setting(
    "ATELIER_UPLOAD_MAX_MB",
    "50",
    whole(1, 1024),
    "The largest picture taken from a caller, in MB.",
  ),
  bodyMaxMb: setting(
    "ATELIER_BODY_MAX_MB",
    "30",
    whole(1, 4096),
    "The largest JSON body taken from a caller, in MB, pictures in base64 included. Forms may be larger: 16 pictures.",
  ),
  bodyStallSeconds: setting(
    "ATELIER_BODY_STALL_SECONDS",
    "30",
    whole(1, 3600),
    "Callers whose body brings less than 1 kB a second over so many seconds are cut off.",
  ),
  egressAllow: setting(
    "ATELIER_EGRESS_ALLOW",
    "",
    ranges,
    "Ranges of your own network that image URLs and webhooks may point to, with commas between: `10.1.0.0/16, fd00::/8`. A webhook to an address in them may be plain http, at any port. Empty: public addresses only, and webhooks only over https.",
  ),
  egressPorts: setting(
    "ATELIER_EGRESS_PORTS",
    "80,443,8080,8443",
    ports,
    "The ports that image URLs, webhooks and links in vendors' answers may name; a vendor's own address may have any.",
  ),
  compatibleModels: setting(
    "ATELIER_COMPATIBLE_MODELS",
    "",
    compatibleModels,
    "The models of your own server behind `COMPATIBLE_BASE_URL`, with commas between: a name, `=` and the server's name for it where that is another, `@` and US dollars for a picture. `sdxl@0.002, z-image=Tongyi-MAI/Z-Image-Turbo`. The name of a model here gives it one more vendor.",
  ),
  sandboxHost: setting(
    "ATELIER_SANDBOX_HOST",
    "127.0.0.1",
    z.string().min(1),
    "The address that `npm run sandbox` listens on.",
  ),
  sandboxPort: setting("ATELIER_SANDBOX_PORT", "8790", whole(0, 65535), "The port that `npm run sandbox` listens on."),
  sandboxPace: setting(
    "ATELIER_SANDBOX_PACE",
    "human",
    z.enum(["human", "none"], "human or none"),
    "`human`: the imitated vendors take about a second. `none`: they answer at once, for tests.",
  ),
  plans: setting(
    "ATELIER_PLANS",
    "",
    z.string().regex(/^$|\.json$/, "a path that ends in .json"),
    "A JSON file of plans in place of the shipped ones (free, starter, pro, community).",
  ),
  gempix2Model: setting(
    "ATELIER_GEMPIX2_MODEL",
    "google/gemini-nano-banana-2.1",
    z.string().min(1),
    "The model that serves Gempix2's API where a request names none.",
  ),
  aihubmixData: setting(
    "ATELIER_AIHUBMIX_DATA",
    "auto",
    z.enum(["auto", "always", "never"], "auto, always or never"),
    "Whether predictions that answer with a list have the pictures under `data` too. `auto`: where a client of Qwen asks that reads nothing else.",
  ),
  unmarked: setting(
    "ATELIER_UNMARKED",
    "allow",
    z.enum(["allow", "refuse"], "allow or refuse"),
    "Whether callers may have vendors leave their watermark out (`watermark: false` for Qwen, Seedream and Imagen). `refuse` answers 400.",
  ),
  c2paCert: setting(
    "ATELIER_C2PA_CERT",
    "",
    z.string().regex(/^$|\.(pem|crt)$/, "a path that ends in .pem or .crt"),
    "A PEM file of certificates, the signer's own first, that derivatives of pictures are signed with by C2PA. Empty: they are not signed.",
  ),
  c2paKey: setting(
    "ATELIER_C2PA_KEY",
    "",
    z.string().regex(/^$|\.(pem|key)$/, "a path that ends in .pem or .key"),
    "A PEM file with the private key of the first certificate in `ATELIER_C2PA_CERT`.",
  ),
  metricsAddress: setting(
    "ATELIER_METRICS_ADDRESS",
    "",
    listenAddress,
    "Where Prometheus reads `/metrics`, such as `127.0.0.1:9464`: an address of its own, for you to keep private. Empty: nowhere.",
  ),
  tracesEndpoint: setting(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "",
    z.union([z.literal(""), webAddress]),
    "The OpenTelemetry collector that traces are sent to, by OTLP over HTTP, such as `http://127.0.0.1:4318`; headers for it in `OTEL_EXPORTER_OTLP_HEADERS`. Empty: none are made.",
  ),
  logLevel: setting(
    "ATELIER_LOG_LEVEL",
    "info",
    z.enum(["debug", "info", "warn", "error", "silent"], "debug, info, warn, error or silent"),
    "How much is written to standard error.",
  ),
} satisfies Record<string, Setting<unknown>>

type Settings = { [Name in keyof typeof settings]: (typeof settings)[Name] extends Setting<infer T> ? T : never }

/** What a vendor is reached by. The address may be changed, for a proxy or for `npm run sandbox`. */
export type VendorAccess = {
  /** Undefined where the vendor cannot be used; empty where it needs no key. */
  key: string | undefined
  baseUrl: string
  /** False where customers each have an address of their own and the operator has not given his. */
  hasAddress: boolean
  /** What the operator sets to use the vendor. */
  needs: string
}

export type Config = Settings & { vendors: Record<string, VendorAccess> }

/** What this file needs to know of a vendor. */
export type ConfigurableVendor = { id: string; title: string; baseUrl: string; ownAddress?: boolean; keyless?: boolean }

export const keyNameOf = (vendor: string): string => `${vendor.toUpperCase()}_API_KEY`
export const baseUrlNameOf = (vendor: string): string => `${vendor.toUpperCase()}_BASE_URL`

/** Where this machine reaches the server. */
export function addressHere({ host, port }: Pick<Config, "host" | "port">): string {
  const name = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`
}

type Environment = Record<string, string | undefined>

/**
 * Reads and checks all settings. Throws one Error that names every wrong one, what it may be, and for an unknown
 * `ATELIER_` name the nearest known one.
 */
export function readConfig(environment: Environment, vendors: ConfigurableVendor[]): Config {
  const problems = unknownNames(environment)
  const read = Object.entries(settings).map(([key, { name, fallback, schema }]) => {
    const parsed = schema.safeParse(environment[name] ?? fallback)
    if (!parsed.success)
      problems.push(`${name} must be ${parsed.error.issues.map((issue) => issue.message).join("; ")}`)
    return [key, parsed.data]
  })
  const access = vendors.map((vendor) => [vendor.id, readVendor(environment, vendor, problems)])
  if (problems.length > 0)
    throw new Error(`The configuration is not valid:\n${problems.map((line) => `  ${line}`).join("\n")}`)
  const values = Object.fromEntries(read) as Settings
  return { ...values, dataFolder: resolve(values.dataFolder), vendors: Object.fromEntries(access) }
}

// Read by tests, not by the server.
const othersNames = ["ATELIER_VENDOR_SPECS"]

function unknownNames(environment: Environment): string[] {
  const known = Object.values(settings).map(({ name }) => name)
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith("ATELIER_") && !known.includes(name) && !othersNames.includes(name),
  )
  return unknown.map((name) => {
    const [near] = nearest(name, known)
    return `${name} is not a setting${near ? `; did you mean ${near}?` : ""}`
  })
}

function readVendor(environment: Environment, vendor: ConfigurableVendor, problems: string[]): VendorAccess {
  const { id, ownAddress = false, keyless = false } = vendor
  const [keyName, addressName] = [keyNameOf(id), baseUrlNameOf(id)]
  const address = environment[addressName] || undefined
  const given = address ?? vendor.baseUrl
  const key = environment[keyName]?.trim() || (keyless && address !== undefined ? "" : undefined)
  const parsed = webAddress.safeParse(given)
  if (!parsed.success) problems.push(`${addressName} must be an http or https address without user, query or fragment`)
  if (ownAddress && key !== undefined && address === undefined)
    problems.push(`${addressName} must be set together with ${keyName}: ${vendor.title} has no address of its own`)
  const needs = ownAddress ? (keyless ? addressName : `${keyName} and ${addressName}`) : keyName
  const hasAddress = !ownAddress || address !== undefined
  return { key, baseUrl: parsed.success ? withPath(given, vendor.baseUrl) : given, hasAddress, needs }
}

/** An address without a path gets the vendor's own, since half the world writes it with `/v1` and half without. */
function withPath(given: string, own: string): string {
  const url = new URL(given)
  const path = url.pathname === "/" ? new URL(own).pathname : url.pathname
  return url.origin + path.replace(/\/+$/, "")
}
