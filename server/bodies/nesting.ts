// Where in a JSON document a reader stands: inside which containers, under which key.
import { BodyError } from "./draft.ts"

type Container = { array: boolean; key: string; atKey: boolean; names: Set<string> | undefined }

const open = { "{": 0x7b, "[": 0x5b }
const close = { "}": 0x7d, "]": 0x5d }
const comma = 0x2c
const colon = 0x3a

const shownMaxChars = 64

export type Nesting = ReturnType<typeof createNesting>

/**
 * Follows the structure only; whether the document is well formed is left to JSON.parse. With `unique` a name that an
 * object has twice is refused, since one of the two would be dropped.
 */
export function createNesting(depthMax: number, unique = false) {
  const containers: Container[] = []
  const top = () => containers.at(-1)

  function enter(array: boolean) {
    if (containers.length >= depthMax) throw new BodyError("broken", `The JSON is nested deeper than ${depthMax}.`)
    const names = unique && !array ? new Set<string>() : undefined
    containers.push({ array, key: array ? currentKey() : "", atKey: !array, names })
  }

  function currentKey(): string {
    return top()?.key ?? ""
  }

  /** How a name of the object that is open is reached from outside: "input.size". */
  const pathOf = (name: string): string =>
    [...containers.slice(0, -1).flatMap(({ array, key }) => (array ? [] : [key])), name.slice(0, shownMaxChars)].join(
      ".",
    )

  return {
    pathOf,
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
      if (!container) return
      if (container.names?.has(name)) throw new BodyError("broken", "It is given twice.", pathOf(name))
      container.names?.add(name)
      container.key = name
    },
    /** The key a value stands under; for an item of an array, the key of the array. */
    currentKey,
    depth: (): number => containers.length,
  }
}
