// Plants each bug in turn and shows which rule catches it.
import { bugs, plant } from "./bugs.ts"
import type { Bug } from "./bugs.ts"
import { crash } from "./crash.ts"
import type { Fault } from "./judge.ts"

const short = { wishes: 80, kills: 6, callers: 12, lifeMaxMs: 4_000, patienceMs: 10_000 }

/** Answers whether all were caught, and nothing where there was nothing to catch. `only`: parts of bugs' names. */
export async function catchBugs(seed: number, only: string[]): Promise<boolean> {
  const control: Bug = { name: "no bug at all", edits: [], caughtBy: "noneIsLost" }
  const chosen = bugs.filter(({ name }) => only.some((part) => name.includes(part)))
  let missed = 0
  for (const bug of [control, ...chosen]) {
    const { faults, tookMs } = await crash({ ...short, seed, from: plant(bug) })
    const isRight = bug === control ? faults.length === 0 : faults.some(({ rule }) => rule === bug.caughtBy)
    if (!isRight) missed++
    console.log(sayCaught(bug, faults, tookMs, isRight))
  }
  console.log(`${chosen.length} bugs planted, ${missed} verdicts wrong.`)
  return missed === 0
}

function sayCaught({ name, caughtBy, edits }: Bug, faults: Fault[], tookMs: number, isRight: boolean): string {
  const counts = [...Map.groupBy(faults, ({ rule }) => rule)].map(([rule, all]) => `${rule} ${all.length}`)
  const example = faults.find(({ rule }) => rule === caughtBy) ?? faults[0]
  const verdict = isRight ? (edits.length === 0 ? "clean" : "caught") : "WRONG"
  const lines = [
    `${verdict.padEnd(8)}${name} (${Math.round(tookMs / 1000)} s)`,
    ...(counts.length > 0 ? [`by ${counts.join(", ")}`] : []),
    ...(example ? [`such as ${example.rule}: ${example.what}`] : []),
  ]
  return lines.join("\n        ")
}
