// The marks by which a picture's file says that a machine made it.

/** A C2PA manifest; IPTC's DigitalSourceType in XMP; the label of China's GB 45438-2025 (TC260). */
export type Mark = "c2pa" | "xmp:trainedAlgorithmicMedia" | "xmp:compositeWithTrainedAlgorithmicMedia" | "aigc"

// A manifest is known by the type of its box: "c2pa" and the end of a UUID.
const signs: [Mark, Buffer][] = [
  ["c2pa", Buffer.from("6332706100110010800000aa00389b71", "hex")],
  ["xmp:trainedAlgorithmicMedia", Buffer.from("digitalsourcetype/trainedAlgorithmicMedia")],
  ["xmp:compositeWithTrainedAlgorithmicMedia", Buffer.from("digitalsourcetype/compositeWithTrainedAlgorithmicMedia")],
  ["aigc", Buffer.from("www.tc260.org.cn/ns/AIGC/")],
]

const pieceBytes = 1_000_000
const overlapBytes = Math.max(...signs.map(([, sign]) => sign.length)) - 1

type Readable = { read(buffer: Buffer, position: number, length: number): Promise<number> }

/** The marks in the file of so many bytes, wherever they stand in it. */
export async function findMarks(object: Readable, bytes: number): Promise<Mark[]> {
  const found = new Set<Mark>()
  const buffer = Buffer.alloc(Math.min(bytes, pieceBytes))
  for (let position = 0; position < bytes; position += pieceBytes - overlapBytes) {
    const length = Math.min(buffer.length, bytes - position)
    const piece = buffer.subarray(0, await object.read(buffer, position, length))
    for (const [mark, sign] of signs) if (piece.includes(sign)) found.add(mark)
  }
  return signs.flatMap(([mark]) => (found.has(mark) ? [mark] : []))
}
