import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { GatewayError } from "../errors.ts"
import { createTurns } from "./turns.ts"

const limits = { atOnceMax: 1, waitingMax: 1, waitMaxMs: 60_000 }

const assertUnavailable = (promise: Promise<unknown>) =>
  assert.rejects(promise, (error) => error instanceof GatewayError && error.failure.code === "unavailable")

/** Work that ends when it is told to. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { work: () => promise, end: resolve }
}

const done = async () => "done"

describe("turns", { timeout: 10_000 }, () => {
  it("are so many at once, and the others in their order; too many that wait are refused", async () => {
    const inTurn = createTurns({ ...limits, atOnceMax: 2, waitingMax: 3 })
    let [now, most] = [0, 0]
    const order: number[] = []
    const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>())
    const all = gates.map(({ promise }, index) =>
      inTurn(async () => {
        order.push(index)
        most = Math.max(most, ++now)
        await promise
        now--
        if (index === 1) throw new Error("one fails")
        return index
      }),
    )
    await assertUnavailable(inTurn(done))
    for (const { resolve } of gates) resolve()
    const ended = await Promise.allSettled(all)
    assert.deepEqual(
      ended.map(({ status }) => status),
      ["fulfilled", "rejected", "fulfilled", "fulfilled", "fulfilled"],
    )
    assert.deepEqual([most, order], [2, [0, 1, 2, 3, 4]])
    assert.equal(await inTurn(done), "done")
  })

  it("are waited for only so long", async () => {
    const inTurn = createTurns({ ...limits, waitMaxMs: 10 })
    const { work, end } = held()
    const first = inTurn(work)
    await assertUnavailable(inTurn(done))
    end()
    await first
    assert.equal(await inTurn(done), "done")
  })

  it("are left by who does not want one any more, for another", async () => {
    const inTurn = createTurns({ ...limits, waitingMax: 2 })
    const { work, end } = held()
    const first = inTurn(work)
    const hanging = new AbortController()
    let worked = false
    const second = inTurn(async () => void (worked = true), hanging.signal)
    hanging.abort()
    await assertUnavailable(second)
    await assertUnavailable(inTurn(done, AbortSignal.abort()))
    const [third, fourth] = [inTurn(done), inTurn(done)]
    await assertUnavailable(inTurn(done))
    end()
    await first
    assert.deepEqual([await third, await fourth, worked], ["done", "done", false])
  })

  it("go on with what has begun, whoever hangs up then", async () => {
    const hanging = new AbortController()
    const { work, end } = held()
    const inTurn = createTurns(limits)
    const first = inTurn(() => work().then(() => "kept"), hanging.signal)
    const second = inTurn(done)
    hanging.abort()
    end()
    assert.deepEqual([await first, await second], ["kept", "done"])
  })
})
