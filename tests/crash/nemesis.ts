// Starts the server, kills it when chance says so, and starts it again on the same data: while it works, while it starts,
// and when it has only just begun to listen.
import { appendFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import { launchServer } from "../harness.ts"
import type { Environment, Launched, Server } from "../harness.ts"
import { openLog } from "./log.ts"
import { pick, randomFrom } from "./random.ts"

export type NemesisEntry = { at: number } & (
  | { act: "started"; pid: number }
  | { act: "listening"; pid: number }
  | { act: "killed"; pid: number; when: When }
  /** The server ended although nobody killed it. */
  | { act: "fell"; pid: number; log: string }
)

type When = "working" | "starting" | "just started"

export type Nemesis = {
  /** The server that listens now; waits while there is none. */
  server: () => Promise<Server>
  /** Resolves with the last server, which nobody kills any more. */
  done: Promise<Server>
  /** Lets it begin to kill; until then the first server is left alone. */
  begin: () => void
  /** Ends the server as its operator would. */
  stop: () => Promise<void>
}

type Options = {
  path: string
  /** Where what the servers said of errors is gathered. */
  serverLog: string
  seed: number
  kills: number
  wishes: number
  /** How long a server that is at work is left alone at the most. */
  lifeMaxMs: number
  /** How many wishes have been answered, as long as there are any left. */
  answered: () => number
  environment: Environment
  folder: string
  from: string
}

const startMs = 900
const stopMaxMs = 8_000

export function startNemesis(options: Options): Nemesis {
  const { path, seed, kills, environment, folder, from } = options
  const log = openLog<NemesisEntry>(path)
  const random = randomFrom("nemesis", seed)
  let listening = Promise.withResolvers<Server>()
  let isListening = false
  const begun = Promise.withResolvers<void>()
  let alive: Launched | undefined
  let expected = false

  function launch(): Launched {
    const launched = launchServer(environment, folder, from)
    const { pid } = launched
    alive = launched
    expected = false
    log({ act: "started", pid })
    launched.listening.then(
      (server) => {
        if (alive !== launched || expected) return
        log({ act: "listening", pid })
        isListening = true
        listening.resolve(server)
      },
      () => undefined,
    )
    void launched.ended.then(() => {
      appendFileSync(options.serverLog, launched.log())
      if (alive === launched && !expected) log({ act: "fell", pid, log: launched.log().slice(-2_000) })
    })
    return launched
  }

  async function kill(launched: Launched, when: When) {
    expected = true
    if (isListening) listening = Promise.withResolvers()
    isListening = false
    log({ act: "killed", pid: launched.pid, when })
    await launched.kill("SIGKILL")
  }

  async function rage(): Promise<Server> {
    let launched = launch()
    await launched.listening
    await begun.promise
    for (let count = 1; count <= kills; count++) {
      const when: When = pick({ starting: 0.15, "just started": 0.15 }, random()) ?? "working"
      if (when === "starting") await sleep(random() * startMs)
      else await launched.listening
      if (when === "just started") await sleep(random() * 200)
      if (when === "working") await untilAnswered(count)
      await kill(launched, when)
      launched = launch()
    }
    return launched.listening
  }

  /** Until its share of the wishes is answered. */
  async function untilAnswered(count: number) {
    const share = ((count - random()) / kills) * options.wishes
    const extra = random() * 1_000
    for (const end = Date.now() + options.lifeMaxMs; options.answered() < share && Date.now() < end;) await sleep(20)
    await sleep(extra)
  }

  async function stop() {
    expected = true
    await Promise.race([alive?.kill("SIGTERM"), sleep(stopMaxMs, undefined, { ref: false })])
    await alive?.kill("SIGKILL")
  }

  return { server: () => listening.promise, begin: begun.resolve, done: rage(), stop }
}
