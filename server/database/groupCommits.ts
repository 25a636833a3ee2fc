// Transactions that wait at the same time share one commit, and so one wait for the disk.
import { setImmediate as nextTurn } from "node:timers/promises"
import { CompiledQuery } from "kysely"
import type { Database, Queries } from "./database.ts"

type Waiting = {
  work: (tx: Queries) => Promise<unknown>
  resolve: (value: never) => void
  reject: (error: unknown) => void
}

// SQLite works on the caller's thread: what is done in one go keeps everybody else from being served.
const goMaxMs = 5
const groupMax = 64
// As many are a group worth a commit of its own, though the disk is still at work on another.
const many = 16

/**
 * Each piece of work is a savepoint of its own: one that fails undoes only itself. Nobody is told that his work is done
 * before `sync` has brought the commit that holds it to the disk; where that fails, all are told so. While the disk is at
 * work, those who ask are gathered, until they are many.
 */
export function groupCommits(query: Queries, sync: () => Promise<void>): Database["transaction"] {
  const waiting: Waiting[] = []
  let working = false
  let onDisk = Promise.resolve()
  let areMany = () => {}

  async function workOff() {
    working = true
    while (waiting.length > 0) {
      const gathered = new Promise<void>((resolve) => (areMany = resolve))
      if (waiting.length < many) await Promise.race([onDisk, gathered])
      // Whoever asks in this turn still gets into the group.
      await nextTurn()
      onDisk = (await commitGroup(query, sync, waiting))?.told ?? onDisk
    }
    working = false
  }

  return <T>(work: (tx: Queries) => Promise<T>) =>
    new Promise<T>((resolve, reject) => {
      waiting.push({ work, resolve, reject })
      if (waiting.length === many) areMany()
      if (!working) void workOff()
    })
}

/** Answers when the disk is done with it. */
async function commitGroup(query: Queries, sync: () => Promise<void>, waiting: Waiting[]) {
  const group: Waiting[] = []
  const tell: (() => void)[] = []
  try {
    await query.transaction().execute(async (tx) => {
      const end = performance.now() + goMaxMs
      while (waiting.length > 0 && group.length < groupMax && (group.length === 0 || performance.now() < end)) {
        const one = waiting.shift()!
        group.push(one)
        tell.push(await attempt(tx, one))
      }
    })
  } catch (error) {
    // Where not even a transaction can be begun, such as on a closed database, nobody who waits will fare better.
    for (const one of group.length > 0 ? group : waiting.splice(0)) one.reject(error)
    return undefined
  }
  const told = sync().then(
    () => tell.forEach((one) => one()),
    (error: unknown) => group.forEach((one) => one.reject(error)),
  )
  return { told }
}

const begin = CompiledQuery.raw("savepoint work")
const release = CompiledQuery.raw("release work")
const undo = CompiledQuery.raw("rollback to work")

/** Does the work or undoes it, and answers how to tell its owner once all is committed. */
async function attempt(tx: Queries, { work, resolve, reject }: Waiting): Promise<() => void> {
  await tx.executeQuery(begin)
  try {
    const value = await work(tx)
    await tx.executeQuery(release)
    return () => resolve(value as never)
  } catch (error) {
    await tx.executeQuery(undo)
    await tx.executeQuery(release)
    return () => reject(error)
  }
}
