// Where in a JSON document a reader stands: inside which containers, under which key.
import { BodyError } from "./draft.ts"

type Container = { array: boolean; key: string; atKey: boolean }

const open = { "{": 0x7b, "[": 0x5b }
const close = { "}": 0x7d, "]": 0x5d }
const comma = 0x2c
const colon = 0x3a

export type Nesting = ReturnType<typeof createNesting>

/** Follows the structure only; whether the document is well formed is left to JSON.parse. */
export function createNesting(depthMax: number) {
  const containers: Container[] = []
  const top = () => containers.at(-1)

  function enter(array: boolean) {
    if (containers.length >= depthMax) throw new BodyError("broken", `The JSON is nested deeper than ${depthMax}.`)
    containers.push({ array, key: array ? currentKey() : "", atKey: !array })
  }

  function currentKey(): string {
    return top()?.key ?? ""
  }

  return {
    /** Takes one byte that is not inside a string. */
    see(byte: number) {
      if (byte === open["{"]) enter(false)
      else if (byte === open["["]) enter(true)
      else if (byte === close["}"] || byte === close["]"]) containers.pop()
      else if (byte === comma || byte === colon) {
        const container = top()
        if (container && !container.array) container.atKey = byte === comma
      }
    },
    /** Whether a string that starts now is a key. */
    expectsKey: (): boolean => top()?.atKey ?? false,
    /** Takes the key that was just read. */
    key(name: string) {
      const container = top()
      if (container) container.key = name
    },
    /** The key a value stands under; for an item of an array, the key of the array. */
    currentKey,
    depth: (): number => containers.length,
  }
}
