import assert from "node:assert/strict"
import { mkdtempSync, readdirSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, describe, it } from "node:test"
import { orderOf, writePuppet } from "../../tests/puppet.ts"
import { GatewayError } from "../errors.ts"
import { diskStorage } from "../storage/disk.ts"
import type { Sealed } from "../storage/storage.ts"
import { createInspector } from "./inspector.ts"
import type { Inspection, Inspector } from "./inspector.ts"

const folder = mkdtempSync(join(tmpdir(), "atelier-intake-"))
const storage = await diskStorage(folder)
const puppet = writePuppet(folder)
const open: Inspector[] = []
after(() => {
  for (const inspector of open) inspector.close()
  assert.deepEqual(readdirSync(join(folder, "drafts")), [], "nothing is left behind")
  rmSync(folder, { recursive: true })
})

type Changes = NonNullable<Parameters<typeof createInspector>[1]>

function inspectorWith(changes: Changes = {}): Inspector {
  const inspector = createInspector({ warn: () => undefined }, { program: puppet, ...changes })
  open.push(inspector)
  return inspector
}

const ask = (inspector: Inspector, act: string, over?: AbortSignal): Promise<Inspection<Sealed>> =>
  inspector.inspect(orderOf(act), storage.draft, over)

async function pidOf(inspector: Inspector): Promise<number> {
  const found = await ask(inspector, "good")
  assert.ok("marks" in found)
  return Number(found.marks[0])
}

const isUnavailable = (error: unknown) => error instanceof GatewayError && error.failure.code === "unavailable"

describe("the inspector", { timeout: 60_000 }, () => {
  it("gives what was found, the cleaned picture, or why it is refused", async () => {
    const inspector = inspectorWith()
    const pid = await pidOf(inspector)
    assert.deepEqual(await ask(inspector, "refused"), { refused: "is not to its taste" })
    const found = await ask(inspector, "cleaned")
    assert.ok("cleaned" in found && found.cleaned)
    assert.equal(found.cleaned.head.toString(), "clean")
    await found.cleaned.discard()
    assert.equal(await pidOf(inspector), pid)
    for (const act of ["promises more than it gives", "says something else"])
      assert.deepEqual(await ask(inspector, act), { refused: "cannot be decoded" })
  })

  it("blames no picture for what fails on this side", async () => {
    const fullDisk = () => Promise.reject(new Error("the disk is full"))
    await assert.rejects(inspectorWith().inspect(orderOf("cleaned"), fullDisk), /disk is full/)
  })

  it("has two at work at once, and the others in their order", async () => {
    const inspector = inspectorWith()
    const found = await Promise.all(Array.from({ length: 12 }, () => pidOf(inspector)))
    assert.equal(new Set(found).size, 2)
  })

  it("lets only so many wait, only for so long, and nobody who has hung up", async () => {
    const inspector = inspectorWith({ atOnceMax: 1, waitingMax: 1, timeMaxMs: 300 })
    const hanging = new AbortController()
    const [first, second] = [ask(inspector, "sleeps"), ask(inspector, "good", hanging.signal)]
    await assert.rejects(ask(inspector, "good"), isUnavailable)
    hanging.abort()
    await assert.rejects(second, isUnavailable)
    const third = ask(inspector, "good")
    assert.ok("refused" in (await first) && "marks" in (await third))
    const hasty = inspectorWith({ atOnceMax: 1, waitMaxMs: 20, timeMaxMs: 300 })
    const slow = ask(hasty, "sleeps")
    await assert.rejects(ask(hasty, "good"), isUnavailable)
    await slow
    await pidOf(hasty)
  })

  it("begins nothing more once it is closed", async () => {
    const inspector = inspectorWith()
    await pidOf(inspector)
    inspector.close()
    await assert.rejects(ask(inspector, "good"), isUnavailable)
  })
})
