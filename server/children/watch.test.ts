import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { watchOver } from "./watch.ts"

// Of no process: it has no memory.
const none = 0

describe("a watch", () => {
  it("kills once the time is over, and says so", ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval"] })
    let kills = 0
    const watch = watchOver(none, { timeMaxMs: 10_000, memoryMaxMib: 1 }, () => kills++)
    mock.timers.tick(9_999)
    assert.deepEqual([kills, watch.killedFor()], [0, undefined])
    mock.timers.tick(1)
    assert.deepEqual([kills, watch.killedFor()], [1, "takes more than 10 seconds to decode"])
    watch.stop()
  })

  it("gives as much time once more, and none where it has stopped", ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout", "setInterval"] })
    let kills = 0
    const watch = watchOver(none, { timeMaxMs: 10_000, memoryMaxMib: 1 }, () => kills++)
    mock.timers.tick(9_000)
    watch.again()
    mock.timers.tick(9_999)
    assert.equal(kills, 0)
    mock.timers.tick(1)
    assert.equal(kills, 1)
    watch.again()
    watch.stop()
    mock.timers.tick(60_000)
    assert.equal(kills, 1)
  })
})
