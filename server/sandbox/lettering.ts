// The label on a painted picture: text as outlines, so that it looks the same on machines without any font.
import { readFileSync } from "node:fs"
// @ts-expect-error The package brings no types; the part of it used here is declared below.
import opentype from "opentype.js"
import { box, round } from "./scenery.ts"

type Outline = { toPathData: (decimals: number) => string }
type Glyph = { advanceWidth?: number; getPath: (x: number, y: number, size: number) => Outline }
type Font = {
  unitsPerEm: number
  charToGlyphIndex: (character: string) => number
  charToGlyph: (character: string) => Glyph
}
const parseFont: (bytes: ArrayBuffer) => Font = opentype.parse

/** A drawn character of size 1: how wide it is, and its outline, or a box where no font has it. */
type Letter = { advance: number; outline: string }
type Line = { letters: Letter[]; width: number }
type Weight = 400 | 600
export type Label = {
  title: string
  /** Model, size and seed. */
  details: string
  width: number
  height: number
  /** Pixels of the picture in a unit of the drawing; text never gets smaller than can be read. */
  scale: number
  /** In the middle under the motif, else at the left. */
  centred: boolean
}

const subsets = ["latin", "latin-ext", "cyrillic", "greek", "vietnamese", "cyrillic-ext", "greek-ext"]
const fonts = new Map<string, Font>()
const letters = new Map<string, Letter>()
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" })
// A title never shows more than this; a prompt may be a hundred times as long.
const titleMaxCharacters = 600
const missing: Letter = {
  advance: 0.78,
  outline:
    "M.21-.72H.57A.13.13 0 0 1 .7-.59V-.13A.13.13 0 0 1 .57 0H.21A.13.13 0 0 1 .08-.13V-.59A.13.13 0 0 1 .21-.72Z" +
    "M.21-.65A.06.06 0 0 0 .15-.59V-.13A.06.06 0 0 0 .21-.07H.57A.06.06 0 0 0 .63-.13V-.59A.06.06 0 0 0 .57-.65Z",
}

function openFont(subset: string, weight: Weight): Font {
  const name = `inter-${subset}-${weight}-normal.woff`
  const known = fonts.get(name)
  if (known) return known
  const bytes = readFileSync(new URL(import.meta.resolve(`@fontsource/inter/files/${name}`)))
  const font = parseFont(new Uint8Array(bytes).buffer)
  fonts.set(name, font)
  return font
}

function drawCharacter(character: string, weight: Weight): Letter {
  const key = `${weight}${character}`
  const known = letters.get(key)
  if (known) return known
  const subset = subsets.find((name) => openFont(name, weight).charToGlyphIndex(character) > 0)
  // Only what a font has is remembered, so the memory stays as small as the fonts.
  if (!subset) return missing
  const font = openFont(subset, weight)
  const glyph = font.charToGlyph(character)
  const advance = (glyph.advanceWidth ?? 0) / font.unitsPerEm
  const letter = { advance, outline: glyph.getPath(0, 0, 1).toPathData(4) }
  letters.set(key, letter)
  return letter
}

/** One grapheme is one letter or a letter with its marks; a flag or a family of emoji is one box. */
function drawGrapheme(grapheme: string, weight: Weight): Letter[] {
  const drawn = Array.from(grapheme, (character) => drawCharacter(character, weight))
  return drawn.includes(missing) ? [missing] : drawn
}

/** What can be shown of any text: whole characters on one line, without what is invisible or steers a terminal. */
function readable(text: string): string {
  const start = text
    .trimStart()
    .slice(0, 4 * titleMaxCharacters)
    .toWellFormed()
    .normalize("NFC")
  const plain = start
    .replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[\p{Cf}--[\u200d]]/gv, "")
    .trim()
  return plain.slice(0, titleMaxCharacters).toWellFormed()
}

function setLine(list: Letter[]): Line {
  return { letters: list, width: list.reduce((sum, letter) => sum + letter.advance, 0) }
}

/** Breaks at spaces, inside a word only where it is longer than a line, and ends in an ellipsis where text is left. */
function wrap(text: string, weight: Weight, widthMax: number, linesMax: number): Line[] {
  const space = drawCharacter(" ", weight)
  const dots = drawCharacter("…", weight)
  const full: Letter[][] = []
  let line: Letter[] = []
  let width = 0
  const breakLine = () => {
    full.push(line)
    line = []
    width = 0
  }
  for (const word of text.split(" ")) {
    const drawn = Array.from(graphemes.segment(word), ({ segment }) => drawGrapheme(segment, weight))
    const { width: long } = setLine(drawn.flat())
    if (line.length > 0 && width + space.advance + Math.min(long, widthMax * 0.8) > widthMax) breakLine()
    if (line.length > 0) {
      line.push(space)
      width += space.advance
    }
    for (const marks of drawn) {
      const { width: wide } = setLine(marks)
      if (line.length > 0 && width + wide > widthMax) breakLine()
      line.push(...marks)
      width += wide
    }
    if (full.length >= linesMax) break
  }
  breakLine()
  const shown = full.slice(0, linesMax)
  const last = shown.at(-1)
  if (last && full.length > linesMax) {
    while (last.length > 0 && setLine(last).width + dots.advance > widthMax) last.pop()
    last.push(dots)
  }
  return shown.map(setLine)
}

function drawLine({ letters: list }: Line, left: number, baseline: number, size: number, colour: string): string {
  let x = left
  const shapes = list.map(({ advance, outline }) => {
    const place = `translate(${x.toFixed(2)} ${baseline.toFixed(2)}) scale(${size.toFixed(2)})`
    x += advance * size
    return `<path transform="${place}" d="${outline}"/>`
  })
  return `<g fill="${colour}">${shapes.join("")}</g>`
}

/** A museum label in the lower left corner; a very small picture has room for the title only, or for nothing. */
export function drawLabel({ title, details, width, height, scale, centred }: Label): string {
  const shortPixels = Math.min(width, height) * scale
  if (shortPixels < 96) return ""
  const size = Math.max(24, 11.5 / scale)
  const small = Math.max(17, 9.5 / scale)
  const [margin, padding] = [Math.max(24, size * 0.75), size * 0.85]
  const room = Math.min(width - 2 * margin, size * 34) - 2 * padding
  const linesMax = Math.max(1, Math.min(size > 34 ? 2 : 3, Math.floor((height * 0.4) / (size * 1.32))))
  const lines = wrap(readable(title) || "Untitled", 600, room / size, linesMax)
  const notes = shortPixels < 200 ? [] : wrap(readable(details), 400, room / small, 2)
  const inner = Math.max(...lines.map((line) => line.width * size), ...notes.map((line) => line.width * small))
  const tall =
    lines.length * size * 1.32 + notes.length * small * 1.45 + (notes.length > 0 ? size * 0.3 : 0) + padding * 1.5
  const [left, top] = [centred ? (width - inner) / 2 - padding : margin, height - margin - tall]
  const first = top + padding * 0.75 + size * 0.98
  const below = first + (lines.length - 1) * size * 1.32 + size * 0.62 + small * 0.98
  const corner = `rx="${round(size * 0.3)}"`
  return [
    box(left, top + size * 0.12, inner + 2 * padding, tall, "#00000040", corner),
    box(left, top, inner + 2 * padding, tall, "#fffdf8ee", corner),
    ...lines.map((line, i) => drawLine(line, left + padding, first + i * size * 1.32, size, "#211f2b")),
    ...notes.map((line, i) => drawLine(line, left + padding, below + i * small * 1.45, small, "#66626f")),
  ].join("")
}
