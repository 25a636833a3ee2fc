import assert from "node:assert/strict"
import { afterEach, beforeEach, describe, it, mock } from "node:test"
import { setImmediate as nextTurn } from "node:timers/promises"
import type { Job, Limits, Queue } from "./queue.ts"
import { startWorker } from "./worker.ts"
import type { Worker } from "./worker.ts"

const jobNamed = (subject: string): Job => ({ id: subject, kind: "paint", subject, fence: 1, overdue: false })

/** Gives what it is told to, and counts how often it is asked. */
function createAsked() {
  const asked = {
    claims: [] as { count: number; limits: Limits | undefined }[],
    answer: (): Job[] | Promise<Job[]> => [],
    queue: {} as Queue,
  }
  const claim = async (count: number, limits?: Limits) => {
    asked.claims.push({ count, limits })
    return asked.answer()
  }
  asked.queue = { claim, nextDue: async () => undefined, renew: async () => true } as unknown as Queue
  return asked
}

describe("worker", () => {
  let asked: ReturnType<typeof createAsked>
  let worker: Worker
  let ends: Map<string, () => void>

  beforeEach(() => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] })
    asked = createAsked()
    ends = new Map()
    const paint = ({ subject }: Job) => new Promise<void>((resolve) => ends.set(subject, resolve))
    const limits = { lanes: { vendor: 2 } }
    worker = startWorker(asked.queue, { paint }, { concurrency: 4, limits, onError: () => assert.fail("no error") })
  })
  afterEach(async () => {
    for (const end of ends.values()) end()
    await worker.stop()
    mock.timers.reset()
  })

  async function pass(ms: number) {
    for (let step = 0; step < ms; step += 5) {
      await nextTurn()
      mock.timers.tick(5)
    }
    await nextTurn()
  }
  const give = (...subjects: string[]) => {
    const jobs = subjects.map(jobNamed)
    asked.answer = () => jobs.splice(0)
  }

  it("asks for as many as it can do, within its limits", async () => {
    await pass(10)
    assert.deepEqual(asked.claims[0], { count: 4, limits: { lanes: { vendor: 2 } } })
  })

  it("does not spin while what waits has no room", async () => {
    await pass(10)
    const before = asked.claims.length
    await pass(5_000)
    assert.ok(asked.claims.length - before <= 5, `${asked.claims.length - before} looks in five seconds`)
  })

  it("looks again at once when a job has ended, its own and one that a caller waited for", async () => {
    give("mine")
    worker.wake()
    await pass(10)
    void worker.run(jobNamed("waited for"))
    await pass(10)
    for (const subject of ["mine", "waited for"]) {
      const before = asked.claims.length
      ends.get(subject)!()
      await pass(10)
      assert.ok(asked.claims.length > before, subject)
    }
  })

  it("looks once more when it is woken while it looks", async () => {
    await pass(10)
    const answer = Promise.withResolvers<Job[]>()
    asked.answer = () => answer.promise
    worker.wake()
    await pass(10)
    const before = asked.claims.length
    worker.wake()
    await pass(10)
    assert.equal(asked.claims.length, before, "it is still looking")
    asked.answer = () => []
    answer.resolve([])
    await pass(10)
    assert.equal(asked.claims.length, before + 1)
  })

  it("takes no more than it has hands for, those that callers wait for included", async () => {
    void worker.run(jobNamed("waited for"))
    give("one", "two", "three")
    worker.wake()
    await pass(10)
    assert.equal(asked.claims.at(-1)!.count, 3)
    await pass(3_000)
    assert.equal(ends.size, 4)
    assert.equal(asked.claims.at(-1)!.count, 3, "it has not asked for more")
  })
})
