// The known name that a mistyped one most likely meant.

/** Answers up to `count` names, nearest first; none where nothing comes close. */
export function nearest(wrong: string, known: readonly string[], count = 1): string[] {
  const limit = Math.max(2, Math.ceil(wrong.length * 0.4))
  return known
    .map((name) => ({ name, distance: distanceOf(wrong.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance }) => distance <= limit)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ name }) => name)
}

/** Levenshtein distance; a name that contains the other whole counts as near, but not as the nearest. */
function distanceOf(a: string, b: string): number {
  if (a.length > 200) return a.length
  const contained = Math.min(a.length, b.length) > 3 && (b.includes(a) || a.includes(b))
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (const [i, character] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, other] of [...b].entries())
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (character === other ? 0 : 1)))
    row = next
  }
  return contained ? Math.min(2, row[b.length]!) : row[b.length]!
}
