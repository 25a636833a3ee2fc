import assert from "node:assert/strict"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import { setTimeout as pause } from "node:timers/promises"
import { z } from "zod"
import { orderOf, writePuppet } from "../../tests/puppet.ts"
import { GatewayError } from "../errors.ts"
import { createPool } from "./pool.ts"
import type { Pool, PoolLimits } from "./pool.ts"

const folder = mkdtempSync(join(tmpdir(), "atelier-children-"))
const puppet = writePuppet(folder)
const open: Pool[] = []
after(() => {
  for (const pool of open) pool.close()
  rmSync(folder, { recursive: true })
})

type Changes = Partial<PoolLimits> & { program?: string; warn?: () => void }

function poolWith({ program = puppet, warn = () => undefined, ...changes }: Changes = {}): Pool {
  const usual = { idleMaxMs: 30_000, startMaxMs: 20_000, timeMaxMs: 10_000, memoryMaxMib: 512 }
  const pool = createPool({ warn }, program, { ...usual, ...changes })
  open.push(pool)
  return pool
}

const jobOf = (act: string, bytes?: number) => ({
  asked: {},
  pictures: [orderOf(act, bytes)],
  told: z.strictObject({ marks: z.array(z.string()) }),
  async use({ marks }: { marks: string[] }, picture: { read: () => AsyncIterable<Buffer> }) {
    let made = ""
    for await (const piece of picture.read()) made += piece.toString()
    return { marks, made }
  },
})

const ask = (pool: Pool, act: string, bytes?: number) => pool.ask(jobOf(act, bytes))

const pidOf = async (pool: Pool): Promise<number> => Number((await ask(pool, "good")).marks[0])

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => assert.fail("it has not failed"),
    (error: unknown) => {
      assert.ok(error instanceof GatewayError, String(error))
      return [error.failure.code, error.message]
    },
  )

async function assertUnavailable(promise: Promise<unknown>) {
  assert.equal((await failureOf(promise))[0], "unavailable")
}

/** Until the process is gone; the test's own limit ends the waiting. */
async function gone(pid: number): Promise<void> {
  for (;;) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await pause(5)
  }
}

const decoded = "cannot be decoded"
const late = "takes more than 0.4 seconds to decode"
const bad: Record<string, string> = {
  exits: decoded,
  crashes: decoded,
  throws: decoded,
  "hangs up": decoded,
  "says no JSON": decoded,
  "says something else": decoded,
  "says too much": decoded,
  "answers another question": decoded,
  "promises more than it gives": decoded,
  "promises far too much": decoded,
  "promises less than nothing": decoded,
  "announces four gigabytes": decoded,
  "never stops talking": decoded,
  hangs: late,
  sleeps: late,
  "closes its ears": late,
  "gives less and waits": late,
}

describe("a child that", { timeout: 60_000 }, () => {
  for (const [act, why] of Object.entries(bad))
    it(`${act}: has its picture refused, and another child goes on`, async () => {
      const patient = poolWith()
      const first = await pidOf(patient)
      // Only who is to run out of time is given little.
      const pool = why === decoded ? patient : poolWith({ timeMaxMs: 400 })
      const asked = ask(pool, act, act === "closes its ears" ? 5_000_000 : undefined)
      assert.deepEqual(await failureOf(asked), ["image_invalid", why])
      assert.notEqual(await pidOf(patient), pool === patient ? first : 0)
      if (pool === patient) await gone(first)
    })

  const onLinux = { skip: process.platform === "linux" ? false : "only Linux tells how much memory a process has" }
  for (const act of ["grows", "grows and waits"])
    it(`${act}: is ended at its limit`, onLinux, async () => {
      const pool = poolWith({ memoryMaxMib: 300 })
      const why = "takes more than 300 MiB of memory to decode"
      assert.deepEqual(await failureOf(ask(pool, act)), ["image_invalid", why])
      await pidOf(pool)
    })

  it("keeps much memory after its work: is asked nothing more", onLinux, async () => {
    const pool = poolWith()
    const swollen = Number((await ask(pool, "swells")).marks[0])
    assert.notEqual(await pidOf(pool), swollen)
    await gone(swollen)
  })

  it("does not come up: says that the server is at fault, not the picture", async () => {
    const programs = {
      "ends.mjs": "process.exit(0)",
      "waits.mjs": "setTimeout(() => 1, 60_000)",
      "lies.mjs": "console.log(1)",
    }
    for (const [name, source] of Object.entries(programs)) {
      writeFileSync(join(folder, name), source)
      await assertUnavailable(ask(poolWith({ program: join(folder, name), startMaxMs: 500 }), "good"))
    }
    await assertUnavailable(ask(poolWith({ program: join(folder, "none.mjs") }), "good"))
  })

  it("does its work: gives what it made, and is asked again", async () => {
    const pool = poolWith()
    const pid = await pidOf(pool)
    assert.equal(await pidOf(pool), pid)
    assert.deepEqual(await failureOf(ask(pool, "refused")), ["image_invalid", "is not to its taste"])
    assert.deepEqual(await ask(pool, "cleaned"), { marks: [], made: "clean" })
    assert.equal(await pidOf(pool), pid)
  })

  it("is there: keeps the settings and keys of the server from it, and the files", async () => {
    process.env["OPENAI_API_KEY"] = "sk-of-the-server"
    const pool = poolWith()
    const { marks } = await ask(pool, "environment")
    // Node hands the last one on by itself, where the tests measure how much of the code they reach.
    const given = /^(MALLOC_ARENA_MAX|UV_THREADPOOL_SIZE|VIPS_CONCURRENCY|NODE_V8_COVERAGE)$/
    const names = marks.filter((name) => !given.test(name))
    assert.deepEqual(names, [])
    assert.deepEqual((await ask(pool, "reaches")).marks, ["ERR_ACCESS_DENIED", "ERR_ACCESS_DENIED"])
  })

  it("is there: goes before the server where memory runs out", onLinux, async () => {
    assert.deepEqual((await ask(poolWith(), "goes first")).marks, ["1000"])
  })
})

describe("a pool", { timeout: 60_000 }, () => {
  it("blames no picture for what fails on this side, and ends the child", async () => {
    const pool = poolWith()
    const first = await pidOf(pool)
    const fullDisk = () => Promise.reject(new Error("the disk is full"))
    await assert.rejects(pool.ask({ ...jobOf("cleaned"), use: fullDisk }), /disk is full/)
    await gone(first)
    async function* brokenOff() {
      yield Buffer.from("good")
      throw new Error("unreadable")
    }
    await assert.rejects(pool.ask({ ...jobOf("good"), pictures: [{ bytes: 9, read: brokenOff }] }), /unreadable/)
    await pidOf(pool)
  })

  it("tells the operator of a picture that has ended its process, and of no other", async () => {
    let told = 0
    const pool = poolWith({ warn: () => void told++ })
    await assert.rejects(ask(pool, "refused"))
    assert.equal(told, 0)
    await assert.rejects(ask(pool, "crashes"))
    assert.equal(told, 1)
  })

  it("lets a child go that has had nothing to do for a while", async () => {
    const pool = poolWith({ idleMaxMs: 10 })
    await gone(await pidOf(pool))
  })

  it("asks each child once where none is to be kept", async () => {
    const pool = poolWith({ idleMaxMs: 0 })
    const [first, second] = [await pidOf(pool), await pidOf(pool)]
    assert.notEqual(first, second)
    await Promise.all([first, second].map(gone))
  })

  it("ends all of them when it is closed, blames no picture for that, and begins nothing more", async () => {
    const pool = poolWith()
    const [working, idle] = [ask(pool, "sleeps"), await pidOf(pool)]
    await ask(pool, "good")
    pool.close()
    await assertUnavailable(working)
    await gone(idle)
    await assertUnavailable(ask(pool, "good"))
  })
})
