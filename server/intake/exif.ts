// The one thing in EXIF that belongs to the picture: which way is up.

const orientationTag = 0x0112
const shortType = 3
// Cameras write a few dozen.
const entriesMax = 1000

/** 1 to 8 by what stands in an EXIF block, from its byte order on; 1 where it says nothing of the kind. */
export function orientationIn(block: Buffer): number {
  const little = block.toString("latin1", 0, 2) === "II"
  if (block.length < 8 || (!little && block.toString("latin1", 0, 2) !== "MM")) return 1
  const short = (at: number) => (at + 2 > block.length ? 0 : little ? block.readUInt16LE(at) : block.readUInt16BE(at))
  if (short(2) !== 42) return 1
  const first = little ? block.readUInt32LE(4) : block.readUInt32BE(4)
  const entries = Math.min(short(first), entriesMax)
  for (let index = 0; index < entries; index++) {
    const at = first + 2 + index * 12
    if (short(at) !== orientationTag || short(at + 2) !== shortType) continue
    const value = short(at + 8)
    return value >= 1 && value <= 8 ? value : 1
  }
  return 1
}
