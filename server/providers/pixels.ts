// Pixel sizes for vendors that take pixels only.

/** The largest legal size of about that ratio: sides are multiples of `step`, and there are at most `maxPixels`. */
export function pixelsOf(
  ratio: string,
  maxPixels: number,
  step: number,
  sideMax = Number.POSITIVE_INFINITY,
): { width: number; height: number } {
  const [across = 1, down = 1] = ratio.split(":").map(Number)
  const quotient = across / down
  let best = { width: step, height: step, error: Number.POSITIVE_INFINITY }
  const ideal = Math.min(Math.sqrt(maxPixels * quotient), sideMax, sideMax * quotient)
  // Near the ideal width, the size whose ratio is nearest wins; of equals, the larger.
  for (let width = Math.floor(ideal / step) * step; width > ideal * 0.9; width -= step) {
    const height = Math.min(Math.round(width / quotient / step) * step, Math.floor(maxPixels / width / step) * step)
    const error = Math.abs(width / height / quotient - 1)
    if (error < best.error - 0.001) best = { width, height, error }
  }
  return { width: best.width, height: best.height }
}
