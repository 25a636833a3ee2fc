// What several ask for at the same time is done once, and for as long as one of them still wants it.

/** `over`: aborted when this one has no use for it any more. The work's own is aborted when none has. */
export type Shared = <T>(name: string, work: (over: AbortSignal) => Promise<T>, over?: AbortSignal) => Promise<T>

type Sharing = { work: Promise<unknown>; wanted: number; over: AbortController }

export function createShared(): Shared {
  const underWay = new Map<string, Sharing>()

  function begin(name: string, work: (over: AbortSignal) => Promise<unknown>): Sharing {
    const over = new AbortController()
    const sharing: Sharing = { work: work(over.signal).finally(() => forget(name, sharing)), wanted: 0, over }
    underWay.set(name, sharing)
    return sharing
  }

  function forget(name: string, sharing: Sharing) {
    if (underWay.get(name) === sharing) underWay.delete(name)
  }

  return async <T>(name: string, work: (over: AbortSignal) => Promise<T>, over?: AbortSignal): Promise<T> => {
    const sharing = underWay.get(name) ?? begin(name, work)
    const leave = () => {
      if (--sharing.wanted > 0) return
      // Who comes now begins anew.
      forget(name, sharing)
      sharing.over.abort()
    }
    sharing.wanted++
    if (over?.aborted) leave()
    else over?.addEventListener("abort", leave)
    try {
      return (await sharing.work) as T
    } finally {
      over?.removeEventListener("abort", leave)
    }
  }
}
