// Bugs to plant, one at a time, in a copy of the server: what a judge has not caught, it may not be able to catch.
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { root, temporaryFolder } from "../harness.ts"
import type { RuleName } from "./judge.ts"

/** `text` stands in `file` (below `server/`) exactly once, and becomes `bug`. */
export type Edit = { file: string; text: string; bug: string }

export type Bug = {
  name: string
  edits: Edit[]
  /** The rule that has to find it; others may find it as well. */
  caughtBy: RuleName
}

const run = "generations/run.ts"
const start = "generations/start.ts"
const finish = "generations/finish.ts"
const money = "database/migrations/0002-money.ts"
const table = "queue/table.ts"

const settling = "  await settleDelivered(tx, now, row, attempts)\n  const data"
const telling = '  await recordWebhooks(app, tx, { ...row, ...end }, now)\n  return "now"'
const beginning = "  const attempt = await app.database.transaction(async (tx) => {"

// Kills come seldom, so what goes wrong between two moments gets some time to do so.
const windowMs = 400

/**
 * Some need several edits: where two or three lines of defence stand one behind the other, taking one away shows nothing.
 */
export const bugs: Bug[] = [
  {
    name: "a vendor is called before `sent` is committed",
    edits: [
      {
        file: run,
        text: beginning,
        bug: `  const call = { part, ordinal, provider, vendorModel, keySource, reservedMicros: 0, dueAt: now, sentAt: now }
  const early: Attempt = { id: "", ...call, state: "sent" }
  const step = "state" in references ? references : await askVendor(work, early)
${beginning}`,
      },
      { file: run, text: `"state" in references ? references : await askVendor(work, attempt))`, bug: "step)" },
    ],
    caughtBy: "noCallWithoutSent",
  },
  {
    name: "whoever finds `sent` calls again",
    edits: [
      {
        file: run,
        text: `{ state: "failed", failure: { code: "outcome_unknown" }, dueAt: now }`,
        bug: "await askVendor(work, attempt)",
      },
    ],
    caughtBy: "noneRepeatedBlindly",
  },
  {
    name: "a call whose answer broke off is made again",
    edits: [
      { file: "generations/call.ts", text: "  untouched === true && (state", bug: "  (state" },
      {
        file: "generations/call.ts",
        text: `  (failure.code === "provider_busy" || failure.code === "provider_error") && attempt`,
        bug: "  attempt",
      },
    ],
    caughtBy: "noneRepeatedBlindly",
  },
  {
    name: "two workers take one job, and no fence keeps the second from calling",
    edits: [
      { file: table, text: "? { due_at: until, leased_until: until }", bug: "? { due_at: dueAt, leased_until: null }" },
      {
        file: table,
        text: "  if ((await selectMine(tx, { id, fence })).rows.length === 0) throw new LeaseLost(job)\n",
        bug: "",
      },
      { file: table, text: "  if (changed.numAffectedRows === 0n) throw new LeaseLost(job)\n", bug: "" },
      {
        file: table,
        text: "  if ((await deleteMine(tx, { id, fence })).numAffectedRows === 0n) throw new LeaseLost(job)\n",
        bug: "  await deleteMine(tx, { id, fence })\n",
      },
      {
        file: "database/migrations/0001-first-light.ts",
        text: "      finished_at bigint,\n      unique (generation_id, part, ordinal))",
        bug: "      finished_at bigint)",
      },
    ],
    caughtBy: "noneRepeatedBlindly",
  },
  {
    name: "tasks from before a restart are given up",
    edits: [
      {
        file: run,
        text: `  if (attempt.state === "sent") {`,
        bug: `  if (attempt.state === "sent" || attempt.sentAt < performance.timeOrigin) {`,
      },
    ],
    caughtBy: "tasksAreFollowed",
  },
  {
    name: "a request is answered before it is committed",
    edits: [
      {
        file: start,
        text: "  const begun = await app.database.transaction(async (tx) => {",
        bug: `  const slowly: typeof app.database.transaction = async (work) => {
    await new Promise((resolve) => setTimeout(resolve, ${windowMs}))
    return app.database.transaction(work)
  }
  const accepting = (wanted.waited ? app.database.transaction : slowly)(async (tx) => {`,
      },
      {
        file: start,
        text: `  if ("status" in begun) return replay(begun, wanted)`,
        bug: `  if (!wanted.waited) {
    void accepting.then(() => app.wakeAt(now), () => undefined)
    return readGeneration(row, [])
  }
  const begun = await accepting
  if ("status" in begun) return replay(begun, wanted)`,
      },
    ],
    caughtBy: "noneIsLost",
  },
  {
    name: "the job is added in a transaction of its own",
    edits: [
      {
        file: start,
        text: "    return app.queue.add(tx, { kind: runGenerationJob, subject: row.id, ...turn, ...when })",
        bug: `    const job = { kind: runGenerationJob, subject: row.id, ...turn, ...when }
    if (wanted.waited) return app.queue.add(tx, job)
    const add = () => app.database.transaction((own) => app.queue.add(own, job)).then(() => app.wakeAt(now))
    setTimeout(() => void add(), ${windowMs})
    return job`,
      },
    ],
    caughtBy: "endsOnce",
  },
  {
    name: "an Idempotency-Key is not remembered",
    edits: [
      {
        file: "generations/repeats.ts",
        text: "  await insertRepeat(tx, row)\n",
        bug: "  void row\n",
      },
    ],
    caughtBy: "oneForAWish",
  },
  {
    name: "an end is overwritten by a later one",
    edits: [
      {
        file: "database/guards.ts",
        text: `on generations
      when old.status in ('succeeded', 'failed', 'canceled') and`,
        bug: "on generations\n      when false and",
      },
      {
        file: finish,
        text: `  if (!row || hasEnded(row.status)) return "before"\n`,
        bug: `  if (!row) return "before"\n`,
      },
      {
        file: finish,
        text: settling,
        bug: `  if (!hasEnded(row.status)) await settleDelivered(tx, now, row, attempts)\n  const data`,
      },
    ],
    caughtBy: "endsOnce",
  },
  {
    name: "the unique index is dropped, and an end settles twice",
    edits: [
      { file: money, text: "closes varchar(40) unique,", bug: "closes varchar(40)," },
      {
        file: money,
        text: "      created_at bigint not null,\n      unique (generation_id, kind))",
        bug: "      created_at bigint not null)",
      },
      { file: finish, text: settling, bug: `  await settleDelivered(tx, now, row, attempts)\n${settling}` },
    ],
    caughtBy: "closedOnce",
  },
  {
    name: "a failure gives nothing back",
    edits: [{ file: finish, text: settling, bug: settling.replace("await", "if (succeeded) await") }],
    caughtBy: "closedOnce",
  },
  {
    name: "a failure is charged",
    edits: [
      {
        file: "generations/settle.ts",
        text: "chargedMicros: chargeOf(row, attempts), lossOf: unanswered",
        bug: `chargedMicros: attempts.some(({ state }) => state === "stored") ? chargeOf(row, attempts) : row.reserved_micros,
    lossOf: unanswered`,
      },
    ],
    caughtBy: "chargedAsDelivered",
  },
  {
    name: "nobody looks whether the credits are there",
    edits: [
      {
        file: "credits/ledger.ts",
        text: `    .where("balance_micros", ">=", least),\n`,
        bug: "",
      },
      {
        file: money,
        text: "not null,\n      check (kind in ('granted', 'revenue') or balance_micros >= 0))",
        bug: "not null)",
      },
    ],
    caughtBy: "balanceNeverBelowZero",
  },
  {
    name: "only what leaves an account is written down",
    edits: [
      {
        file: "credits/ledger.ts",
        text: "if (rows.length > 0) await insertEntries(tx, rows)",
        bug: "if (rows.length > 0) await insertEntries(tx, rows.slice(0, 1))",
      },
    ],
    caughtBy: "entriesSumToZero",
  },
  {
    name: "the webhook's row is written after the commit",
    edits: [
      {
        file: finish,
        text: telling,
        bug: `  const tell = () => (app as App).database.transaction((own) => recordWebhooks(app, own, { ...row, ...end }, now))
  setTimeout(() => void tell(), ${windowMs})
  return true`,
      },
    ],
    caughtBy: "webhooksDeliveredOrScheduled",
  },
  {
    name: "a receiver that answers 500 counts as told",
    edits: [
      {
        file: "webhooks/deliver.ts",
        text: "(status: number): boolean => status >= 200 && status < 300",
        bug: "(status: number): boolean => status >= 0",
      },
    ],
    caughtBy: "webhooksDeliveredOrScheduled",
  },
  {
    name: "the signature leaves the message's id out",
    edits: [{ file: "webhooks/sign.ts", text: "${id}.${timestamp}.${body}", bug: "${timestamp}.${body}" }],
    caughtBy: "messagesAreTrue",
  },
  {
    name: "a picture's row is there before its bytes",
    edits: [
      {
        file: "storage/disk.ts",
        text: `        await keep(folders, path, sha256)\n        state = "kept"`,
        bug: `        state = "kept"\n        setTimeout(() => void keep(folders, path, sha256), ${windowMs})`,
      },
    ],
    caughtBy: "picturesAreWhole",
  },
]

/** Throws where the code has moved on, so that no bug is thought to be planted that is not. */
export function plantIn(source: string, { file, text, bug }: Edit): string {
  const parts = source.split(text)
  if (parts.length !== 2) throw new Error(`server/${file} has ${parts.length - 1} times instead of once:\n${text}`)
  return parts.join(bug)
}

/** A copy of the project with the bug in it. */
export function plant({ edits }: Pick<Bug, "edits">): string {
  const copy = temporaryFolder()
  const filter = (path: string) => !/\.(test|contract)\.ts$/.test(path)
  cpSync(join(root, "server"), join(copy, "server"), { recursive: true, filter })
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  for (const edit of edits) {
    const path = join(copy, "server", edit.file)
    writeFileSync(path, plantIn(readFileSync(path, "utf8"), edit))
  }
  return copy
}
