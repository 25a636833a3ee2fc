// Looks at secrets before a server uses them: who else can read their files, which are only examples, what goes over the
// wire in the open. The start refuses or warns by it; `atelier doctor` reports the same.
import { chmod, stat } from "node:fs/promises"
import { join } from "node:path"
import type { App } from "../app.ts"
import { ownFile } from "./masterKeys.ts"
import { describeUnopened, findUnopened } from "./ready.ts"

type Needs = Pick<App, "config" | "database" | "masterKeys">
type Config = App["config"]

/** Something wrong with a secret, and what to do. One that `refuses` keeps the server from starting. */
export type Concern = { what: string; says: string; do: string; refuses: boolean }

// Windows has no such modes.
const hasModes = process.platform !== "win32"
const othersMay = 0o077

const modeOf = async (path: string): Promise<number> => {
  const found = hasModes ? await stat(path).catch(() => undefined) : undefined
  return found ? found.mode & 0o777 : 0
}

const writeMode = (mode: number): string => mode.toString(8).padStart(4, "0")

/** What we make ourselves in the data folder and others must not read. */
const ownFiles = (config: Config): string[] => [
  ...["atelier.sqlite", "atelier.sqlite-wal", "atelier.sqlite-shm", "test-key"].map((name) =>
    join(config.dataFolder, name),
  ),
  ...(config.masterKeyFile === "" ? [ownFile(config)] : []),
]

/** Takes away what others may do with our own files, and with the folder but for its group. Answers what it closed. */
export async function closeOwnFiles(config: Config): Promise<string[]> {
  const wanted = [...ownFiles(config).map((path) => [path, othersMay] as const), [config.dataFolder, 0o007] as const]
  const closed: string[] = []
  for (const [path, mask] of wanted) {
    const mode = await modeOf(path)
    if ((mode & mask) === 0) continue
    // Not every file system lets it be changed; the check below tells of that.
    await chmod(path, mode & ~mask).catch(() => undefined)
    if (((await modeOf(path)) & mask) === 0) closed.push(path)
  }
  return closed
}

/** What is wrong with the secrets of this installation; nothing where all is well. */
export async function lookAtSecrets(app: Needs): Promise<Concern[]> {
  const { config } = app
  return [
    ...(await lookAtFiles(config)),
    ...(await lookAtSealed(app)),
    ...lookAtExamples(config),
    ...lookAtDatabaseUrl(config),
    ...(await lookAtPlainHttp(app)),
  ]
}

/** Throws an Error that names everything the server does not start with. */
export function refuseUnsafe(concerns: Concern[]): void {
  const lines = concerns
    .filter(({ refuses }) => refuses)
    .map(({ what, says, do: advice }) => `  ${what}: ${says}; ${advice}`)
  if (lines.length > 0) throw new Error(`The server does not start with these secrets:\n${lines.join("\n")}`)
}

async function lookAtFiles(config: Config): Promise<Concern[]> {
  const own = ownFiles(config).map((path) => ({ what: path, path, refuses: false }))
  const given = givenFiles(config).map(([what, path]) => ({ what, path, refuses: true }))
  const looked = await Promise.all(
    [...own, ...given].map(async ({ what, path, refuses }) => {
      const mode = await modeOf(path)
      if ((mode & othersMay) === 0) return []
      const says = `${path} can be read by others than its owner (mode ${writeMode(mode)})`
      const elsewhere = "the file system does not let it be changed: move ATELIER_DATA to one that does"
      return [{ what, says, do: refuses ? `chmod 600 ${path}` : elsewhere, refuses }]
    }),
  )
  return looked.flat()
}

/** Files with secrets that the operator names: the master key's, Node's own of settings, a key for PostgreSQL. */
function givenFiles({ masterKeyFile, databaseUrl }: Config): [what: string, path: string][] {
  const options = [...process.execArgv, ...(process.env["NODE_OPTIONS"] ?? "").split(" ")]
  const files = options.flatMap((option, index) => {
    const [, path = options[index + 1]] = /^--env-file(?:-if-exists)?(?:=(.+))?$/.exec(option) ?? [undefined, ""]
    return path === "" || path === undefined ? [] : [["--env-file", path] as [string, string]]
  })
  const sslKey = readDatabaseUrl(databaseUrl)?.searchParams.get("sslkey")
  return [
    ...(masterKeyFile === "" ? [] : [["ATELIER_MASTER_KEY_FILE", masterKeyFile] as [string, string]]),
    ...(sslKey ? [["ATELIER_DATABASE_URL (sslkey)", sslKey] as [string, string]] : []),
    ...files,
  ]
}

/** What nobody here could open would fail much later, and one by one. */
async function lookAtSealed(app: Needs): Promise<Concern[]> {
  const unopened = await findUnopened(app)
  if (unopened.length === 0) return []
  return [{ what: "master key", ...describeUnopened(app.masterKeys, unopened), refuses: true }]
}

// What documents, examples and impatience write where a secret belongs.
const examples =
  /^(change[-_ ]?(me|it|this)|replace[-_ ]?(me|it|this|with.*)|(your|my)[-_].*|secret|passw(or|0r)d|postgres|example|placeholder|(sk-)?(x{3,}|\.{3}|…)|<.*>|\$\{.*|123456\d*)$/i

const isExample = (secret: string): boolean => examples.test(secret.trim())

function lookAtExamples({ vendors }: Config): Concern[] {
  return Object.values(vendors).flatMap(({ key, baseUrl, needs }) => {
    // A server on this machine may well take any.
    if (key === undefined || !isExample(key) || isLoopback(new URL(baseUrl).hostname)) return []
    return [
      { what: needs, says: "holds an example, not a key", do: "set the vendor's key, or unset it", refuses: true },
    ]
  })
}

const readDatabaseUrl = (text: string): URL | null => URL.parse(text.replace("@/", "@localhost/"))

const isLoopback = (host: string): boolean =>
  /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(host) || host.startsWith("/")

/** A password there is good for is one that nobody guesses and nobody reads on the way. */
function lookAtDatabaseUrl({ databaseUrl }: Config): Concern[] {
  const url = readDatabaseUrl(databaseUrl)
  if (!url || url.password === "") return []
  const what = "ATELIER_DATABASE_URL"
  const isHere = isLoopback(url.searchParams.get("host") ?? url.hostname)
  const isGuessable = isExample(decodeURIComponent(url.password)) || url.password === url.username
  const example = "its password is an example or the user's name"
  const advice = "give the database's user a password of its own"
  const { sslmode, ssl } = Object.fromEntries(url.searchParams)
  const isOpen = sslmode === undefined ? ssl !== "true" && ssl !== "1" : ["disable", "allow"].includes(sslmode)
  return [
    ...(isGuessable ? [{ what, says: example, do: advice, refuses: !isHere }] : []),
    ...(isOpen && !isHere
      ? [
          {
            ...{ what, says: `everything goes to ${url.hostname} unencrypted`, refuses: false },
            do: "add ?sslmode=verify-full, unless the network between is yours alone",
          },
        ]
      : []),
  ]
}

async function lookAtPlainHttp({ config: { host, publicUrl }, database }: Needs): Promise<Concern[]> {
  if (isLoopback(host) || publicUrl.startsWith("https:")) return []
  const keys = database.query
    .selectFrom("api_keys")
    .select("id")
    .where("mode", "=", "live")
    .where("revoked_at", "is", null)
  if (!(await keys.limit(1).executeTakeFirst())) return []
  return [
    {
      ...{ what: "ATELIER_HOST", says: `live keys come over plain http to ${host}`, refuses: false },
      do: "put a server with TLS in front and set ATELIER_PUBLIC_URL to its https address",
    },
  ]
}
