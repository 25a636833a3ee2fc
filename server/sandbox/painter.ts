// The painter of the sandbox: turns a prompt and a seed into a picture, offline and always the same one.
import { createHash } from "node:crypto"
import sharp from "sharp"
import { drawLabel } from "./lettering.ts"
import {
  at,
  between,
  birds,
  boat,
  clear,
  disc,
  fade,
  ground,
  heightAt,
  land,
  misty,
  mix,
  mountains,
} from "./scenery.ts"
import { path, ridge, roll, round, sky, snowfall, times, tone, trace, water, wood } from "./scenery.ts"
import type { Palette, Point, Random, Stage } from "./scenery.ts"

export type Painting = {
  prompt: string
  seed: number
  /** Shown on the picture. */
  model: string
  width: number
  height: number
  format: "png" | "jpeg" | "webp"
  /** 0 to 100, of jpeg and webp. */
  quality?: number
  /** Leaves the ground around the motif empty, where the format can. */
  transparent?: boolean
  /** Below 1, an early and blurred state of the same picture. */
  completeness?: number
}

sharp.cache(false)

const palettes = {
  dawn: { sky: ["#3d5a8c", "#8f8fc0", "#f2b5a7", "#ffe3c2"], land: ["#b79bb8", "#6d6a9c", "#262a50"], sun: "#fff3d6" },
  ember: { sky: ["#2d1b4e", "#8a2f6b", "#f0654f", "#ffc16b"], land: ["#c9506f", "#6c2263", "#1f1133"], sun: "#ffe9a8" },
  print: { sky: ["#eeb877", "#f4cf98", "#f8e0b8", "#fbeed6"], land: ["#e0a27c", "#9a5a4e", "#3c2a3a"], sun: "#ee5a3c" },
  day: { sky: ["#2f7fc1", "#6fb3de", "#bfe0ee", "#f3f6ea"], land: ["#9cc0d3", "#4d948f", "#17424a"], sun: "#fffbe6" },
  mist: { sky: ["#1c4f5e", "#4f8f94", "#a9cfc4", "#eef0dc"], land: ["#8fb8b0", "#3f7f80", "#0f2f38"], sun: "#fdf6dc" },
  rose: { sky: ["#7fa6d6", "#c3bfe6", "#f7c9d3", "#fff1e0"], land: ["#c3aed6", "#8580ba", "#35356a"], sun: "#fff8ec" },
  sand: { sky: ["#5b8fb0", "#b7c3b5", "#f3d1a0", "#fbe3bd"], land: ["#eab982", "#c4713f", "#5f2a2b"], sun: "#fff6dd" },
  snow: { sky: ["#7ea9cf", "#b3cee4", "#e2ebf2", "#fbf6ef"], land: ["#c3d4e6", "#7d9dbd", "#2b4a69"], sun: "#fffdf4" },
  may: { sky: ["#4f9fc8", "#9fd0dc", "#e3f0dc", "#fdf6df"], land: ["#b5d3b4", "#5fa07a", "#1d4f4a"], sun: "#fffae0" },
  fall: { sky: ["#5d8c9c", "#a9c4b8", "#f3dfb6", "#fdeccb"], land: ["#e9bd8c", "#c2643c", "#4b1f2e"], sun: "#fff3cf" },
  dusk: { sky: ["#141a3c", "#3b3b7a", "#8c5a97", "#f0a79c"], land: ["#7a5a9a", "#40376f", "#10122b"], sun: "#fff0d2" },
  night: { sky: ["#060b1f", "#0f1f46", "#23406e", "#5579a0"], land: ["#33527e", "#18305a", "#050a1a"], sun: "#f4f1de" },
  polar: { sky: ["#04101f", "#08263b", "#0f4a55", "#2c7a72"], land: ["#1e5560", "#0d3642", "#03101a"], sun: "#eefbe8" },
} satisfies Record<string, Palette>

type Mood = keyof typeof palettes

/** The moods that suit a scene; words in the prompt may ask for another. */
const moods: Record<Kind, Mood[]> = {
  lake: ["dawn", "ember", "print", "day", "mist", "rose", "may", "fall", "dusk", "night", "polar"],
  sea: ["dawn", "ember", "print", "day", "rose", "dusk", "night"],
  forest: ["dawn", "ember", "print", "mist", "rose", "may", "fall", "dusk", "night"],
  dunes: ["sand", "ember", "print", "dusk", "fall"],
  city: ["dusk", "night", "ember", "print", "rose", "mist"],
  hills: ["dawn", "day", "may", "fall", "print", "mist", "rose", "ember"],
}

const kindWords: [Kind, RegExp][] = [
  ["sea", /\b(sea|ocean|beach|coast|island|waves?|ships?|boats?|sail\w*|harbou?r|whales?)\b/],
  ["city", /\b(city|cities|town|street|skyline|skyscrapers?|urban|buildings?|cyberpunk|neon|tokyo|paris|london)\b/],
  ["dunes", /\b(deserts?|dunes?|sand|sahara|camels?|mars)\b/],
  ["forest", /\b(forests?|woods?|trees?|jungle|pines?|fox|deer|bears?|owls?)\b/],
  ["lake", /\b(lakes?|mountains?|alps|alpine|peaks?|rivers?|glaciers?|fjords?|snow\w*|winter)\b/],
  ["hills", /\b(hills?|fields?|meadows?|farms?|village|countryside|tuscany|flowers?|garden|spring|summer)\b/],
]

const moodWords: [Mood, RegExp][] = [
  ["polar", /\b(aurora|northern lights|polar)\b/],
  ["night", /\b(night|midnight|moon\w*|stars?|starry|space|galaxy|dark|neon|cyberpunk)\b/],
  ["ember", /\b(sunset|evening|sundown|fire|lava)\b/],
  ["dusk", /\b(dusk|twilight)\b/],
  ["fall", /\b(autumn|fall|october|orange)\b/],
  ["snow", /\b(snow\w*|winter|ice|icy|frost\w*|christmas|arctic)\b/],
  ["dawn", /\b(dawn|sunrise|morning)\b/],
  ["mist", /\b(mist\w*|fog\w*|rain\w*|haze|calm|zen)\b/],
  ["day", /\b(day|noon|summer|sunny|bright|blue)\b/],
  ["rose", /\b(pink|pastel|rose|dreamy|soft)\b/],
  ["may", /\b(spring|may|green|meadows?|garden)\b/],
  ["print", /\b(poster|print|vintage|retro|japan\w*|minimal\w*|red)\b/],
]

/** The generator sfc32, from 128 bits of a hash. */
function startRandom(prompt: string, seed: number): Random {
  const hash = createHash("sha256").update(`${seed}\n${prompt}`).digest()
  let [a, b, c, count] = [0, 4, 8, 12].map((at) => hash.readInt32LE(at)) as [number, number, number, number]
  return () => {
    const sum = (((a + b) | 0) + count) | 0
    count = (count + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
}

/** What the earliest known word of a prompt asks for; else one of the list at random. */
function choose<T>(random: Random, list: T[], words: [T, RegExp][], prompt: string): T {
  const drawn = list[Math.floor(random() * list.length)] as T
  const asked = words.map(([choice, pattern]) => ({ choice, index: prompt.search(pattern) }))
  const [first] = asked.filter(({ index }) => index >= 0).toSorted((a, b) => a.index - b.index)
  return first?.choice ?? drawn
}

function setStage(prompt: string, seed: number, width: number, height: number): { kind: Kind; stage: Stage } {
  const [random, text] = [startRandom(prompt, seed), prompt.toLowerCase()]
  const kind = choose(random, Object.keys(scenes) as Kind[], kindWords, text)
  const mood = choose(random, moods[kind], moodWords, text)
  const night = mood === "dusk" || mood === "night" || mood === "polar"
  const radius = mood === "print" ? between(random, 110, 150) : between(random, 46, night ? 66 : 84)
  const low = kind === "sea" && !night ? 0.5 : 0.38
  const light = { x: width * between(random, 0.22, 0.78), y: height * between(random, 0.2, low), radius }
  const stage: Stage = { width, height, random, palette: palettes[mood], night, aurora: mood === "polar", light }
  return { kind, stage }
}

/** Five folds of land, each nearer and darker, each with what grows on it. */
function folds(stage: Stage, from: number, swell: number, plant: (line: Point[], fold: number) => string): string {
  const { height } = stage
  const back = land(stage, ridge(stage, height * (from - 0.02), 230), height, 0, 0.6)
  const layers = times(5, (i) => {
    const line = roll(stage, height * (from + i * 0.09), swell)
    return path(plant(line, i), tone(stage, 0.2 + i * 0.19)) + land(stage, line, height, 0.12 + i * 0.19, 0.75)
  })
  return sky(stage, height * 0.76) + back + layers.join("") + birds(stage, height * 0.22)
}

function lake(stage: Stage): string {
  const { height, width, palette } = stage
  const line = height * 0.62
  const shore = roll(stage, line - 6, 60)
  const range =
    land(stage, ridge(stage, line - 50, 230), line, 0.08) + mountains(stage, line, Math.min(height * 0.42, 540))
  const trees = path(wood(stage, shore, 62, 14), tone(stage, 0.68)) + land(stage, shore, line, 0.62, 0.3)
  const bank = roll(stage, height * 0.95, 90)
  const front =
    ground(bank, height, palette.land[2]) + path(wood(stage, bank, width * 0.2 + 170, 40, true), palette.land[2])
  return water(stage, sky(stage, line) + range + trees, line) + birds(stage, height * 0.2) + front
}

function sea(stage: Stage): string {
  const { height, width, random, palette } = stage
  const line = height * 0.58
  const above = sky(stage, line) + land(stage, ridge(stage, line + 20, 120), line, 0.2)
  const swell = times(4, (i) => {
    const crest = roll(stage, height * (0.8 + i * 0.062), 60)
    const below = crest.map(([x, y]): Point => [x, y + 5 + 4 * Math.sin(x / 60)])
    const foam = path(trace([...crest, ...below.reverse()]), palette.sky[3], 0.4)
    return land(stage, crest, height, 0.5 + i * 0.14, 0.2) + foam
  })
  const near = boat(stage, between(random, 0.18, 0.82) * width, line + height * 0.08, between(random, 1.1, 1.6))
  const fleet = boat(stage, between(random, 0.1, 0.9) * width, line + 12, 0.4) + near
  return water(stage, above, line) + birds(stage, height * 0.24) + fleet + swell.join("")
}

function forest(stage: Stage): string {
  const { height, width, palette } = stage
  const front = roll(stage, height * 0.99, 50)
  const dark = mix(palette.land[2], "#000000", 0.25)
  return (
    folds(stage, 0.56, 110, (line, i) => wood(stage, line, 70 + i * 42, 15 + i * 8)) +
    path(wood(stage, front, height * 0.24 + width * 0.26, 58, true), dark) +
    ground(front, height, dark)
  )
}

function hills(stage: Stage): string {
  const { random, width } = stage
  const cypress = (x: number, y: number, tall: number) =>
    `M${at(x, y - tall)}q${at(tall * 0.17, tall * 0.6)} 0 ${round(tall)}` +
    `q${at(-tall * 0.17, -tall * 0.4)} 0 ${round(-tall)}Z`
  const rows = (line: Point[], i: number) =>
    times(1 + random() * 2, () => {
      const start = random() * width
      return times(3 + random() * 6, (k) => {
        const x = start + k * (16 + i * 9)
        return cypress(x, heightAt(line, x) + 5, (50 + i * 30) * between(random, 0.7, 1.1))
      }).join("")
    }).join("")
  return folds(stage, 0.58, 170, rows)
}

function dunes(stage: Stage): string {
  const { height, width, random, light } = stage
  const fall = (x: number, y: number, foot: number, reach: number) =>
    `C${at(x + reach * 0.2, y + 14)} ${at(x + reach * 0.5, foot)} ${at(x + reach, foot)}`
  const layers = times(5, (i) => {
    const [x, foot] = [between(random, 0.08, 0.92) * width, height * (0.68 + i * 0.09)]
    const [y, away] = [foot - between(random, 60, 150), light.x > x ? -1 : 1]
    const lit =
      `M${at(x, y)}${fall(x, y, foot, width)}V${height}H${round(x - width)}V${round(foot)}` +
      `C${at(x - width * 0.5, foot)} ${at(x - width * 0.2, y + 14)} ${at(x, y)}Z`
    const bend = between(random, 60, 150) * away
    const shade =
      `M${at(x, y)}${fall(x, y, foot, away * width)}V${height}H${round(x + bend * 0.7)}V${round(foot + 130)}` +
      `C${at(x + bend * 1.6, foot + 30)} ${at(x - bend * 0.6, y + (foot - y) * 0.7)} ${at(x, y)}Z`
    const dark = tone(stage, 0.45 + i * 0.14)
    const fades = misty(stage, `dune${i}`, i * 0.17, 0.3) + fade(`dark${i}`, [clear(dark, 0.8), clear(dark, 0.1)])
    return fades + path(lit, `url(#dune${i})`) + path(shade, `url(#dark${i})`)
  })
  const far = land(stage, ridge(stage, height * 0.62, 130), height, 0.05, 0.3)
  return sky(stage, height * 0.7) + far + layers.join("") + birds(stage, height * 0.22)
}

function city(stage: Stage): string {
  const { height, width, random, palette, night } = stage
  const line = height * 0.7
  const skyline = (index: number) => {
    const [walls, shades, panes]: [string[], string[], string[]] = [[], [], []]
    const wide = 46 + index * 22
    for (let x = -20; x < width; x += wide * between(random, 0.75, 1.25)) {
      const w = wide * between(random, 0.62, 1)
      const top = line - Math.min(height * 0.5, 580) * (0.3 + 0.7 * random() ** 1.8) * (1 - index * 0.22)
      const roof = random()
      walls.push(`M${at(x, line)}L${at(x, top + (roof < 0.25 ? w * 0.4 : 0))}L${at(x + w, top)}V${round(line)}Z`)
      if (roof > 0.45)
        walls.push(`M${at(x + w * 0.25, top + 1)}v${round(-w * 0.25)}h${round(w / 2)}v${round(w * 0.25)}Z`)
      if (roof > 0.75) walls.push(`M${at(x + w * 0.48, top)}L${at(x + w * 0.5, top - w)}L${at(x + w * 0.52, top)}Z`)
      shades.push(`M${at(x + w * 0.62, line)}V${round(top + w * 0.15)}L${at(x + w, top)}V${round(line)}Z`)
      for (let y = top + w * 0.5; index > 0 && y < line - 14; y += 17)
        for (let c = x + 8; c < x + w - 10; c += 12) if (random() < 0.3) panes.push(`M${at(c, y)}h6v9h-6Z`)
    }
    const glass = night ? "#ffd98a" : mix(palette.sun, palette.land[0], 0.3)
    const houses = misty(stage, `block${index}`, 0.15 + index * 0.36, 0.5) + path(walls.join(""), `url(#block${index})`)
    return houses + path(shades.join(""), palette.land[2], 0.22) + path(panes.join(""), glass, night ? 0.85 : 0.5)
  }
  return water(stage, sky(stage, line) + times(3, skyline).join(""), line) + birds(stage, height * 0.18)
}

const scenes = { lake, sea, forest, dunes, city, hills }
type Kind = keyof typeof scenes

/** Without a ground a picture is a round vignette: its corners really empty, its motif whole. JPEG has no empty. */
const isCutOut = ({ transparent, format }: Painting) => transparent === true && format !== "jpeg"

/** The whole picture in units where its short side is 1000 (or the long one 4000, where it is a mere strip). */
function writeSvg(painting: Painting, pixels: Pick<Painting, "width" | "height">): string {
  const { prompt, seed, model, width, height } = painting
  const scale = Math.max(Math.min(width, height), Math.max(width, height) / 4) / 1000
  const [wide, tall] = [width / scale, height / scale]
  const vignette = isCutOut(painting)
  const { kind, stage } = vignette ? setStage(prompt, seed, 1000, 1000) : setStage(prompt, seed, wide, tall)
  const scenery = scenes[kind](stage) + (stage.palette === palettes.snow ? snowfall(stage) : "")
  const zoom = (Math.min(wide, tall) * 0.94) / 1000
  const place = `translate(${at(wide / 2 - zoom * 500, tall / 2 - zoom * 500)}) scale(${zoom})`
  const circle = `<clipPath id="circle">${disc(500, 500, 500, "#000000")}</clipPath>`
  const motif = vignette ? `${circle}<g transform="${place}"><g clip-path="url(#circle)">${scenery}</g></g>` : scenery
  const details = `${model} · ${width} × ${height} · seed ${seed}`
  const label = drawLabel({ title: prompt, details, width: wide, height: tall, scale, centred: vignette })
  const size = `width="${pixels.width}" height="${pixels.height}" viewBox="0 0 ${wide} ${tall}"`
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size} preserveAspectRatio="none">${motif}${label}</svg>`
}

// A little grain like that of paper: it hides the steps in long gradients, and gives files the size of real pictures.
const grain = (() => {
  const random = startRandom("grain", 0)
  return Int8Array.from({ length: 65_536 }, () => Math.round((random() + random() - 1) * 3.4))
})()

function addGrain(pixels: Uint8ClampedArray, width: number, channels: number, strength: number): void {
  for (let start = 0, row = 0; start < pixels.length; start += width * channels, row++) {
    // Every row reads the table from another place, or the repetition would show.
    let at = (row * 40_503) % 65_521
    for (let i = start; i < start + width * channels; i += channels) {
      const speck = (grain[at++ & 0xffff] ?? 0) * strength
      pixels[i] = (pixels[i] ?? 0) + speck
      pixels[i + 1] = (pixels[i + 1] ?? 0) + speck
      pixels[i + 2] = (pixels[i + 2] ?? 0) + speck
    }
  }
}

export async function paint(painting: Painting): Promise<Buffer> {
  const { width, height, format, completeness = 1 } = painting
  // The scale of sharp has no 0 and no fractions.
  const quality = Math.max(1, Math.round(painting.quality ?? 90))
  // An early state is drawn small and enlarged from its pixels: sharp would enlarge an SVG without a blur.
  const share = completeness < 1 ? 0.025 + 0.3 * Math.max(0, completeness) ** 2 : 1
  const small = { width: Math.max(4, Math.round(width * share)), height: Math.max(4, Math.round(height * share)) }
  const drawing = sharp(Buffer.from(writeSvg(painting, share < 1 ? small : painting)))
  const layers = isCutOut(painting) ? drawing : drawing.removeAlpha()
  const { data, info: raw } = await layers.raw().toBuffer({ resolveWithObject: true })
  const pixels = new Uint8ClampedArray(data.buffer, data.byteOffset, data.length)
  addGrain(pixels, raw.width, raw.channels, share < 1 ? 2 + 4 * (1 - completeness) : 1)
  const picture = sharp(pixels, { raw })
  if (share < 1) picture.resize(width, height, { fit: "fill", kernel: "cubic" })
  if (format === "jpeg") return picture.jpeg({ quality }).toBuffer()
  if (format === "webp") return picture.webp({ quality, effort: 2 }).toBuffer()
  return picture.png({ compressionLevel: 3 }).toBuffer()
}
