// The pieces of a painted landscape as SVG: sky, land, woods, water; in units where a picture's short side is 1000.

export type Random = () => number
export type Palette = {
  /** From the zenith down to the horizon. */
  sky: [string, string, string, string]
  /** From the haze in the distance to what stands before the viewer. */
  land: [string, string, string]
  sun: string
}
export type Point = [x: number, y: number]
export type Stage = {
  width: number
  height: number
  random: Random
  palette: Palette
  night: boolean
  aurora: boolean
  /** Where the sun or the moon stands. */
  light: { x: number; y: number; radius: number }
}

export const round = (value: number) => Math.round(value * 10) / 10
export const at = (x: number, y: number) => `${round(x)} ${round(y)}`
export const between = (random: Random, low: number, high: number) => low + (high - low) * random()
export const times = <T>(count: number, make: (index: number) => T) =>
  Array.from({ length: Math.ceil(count) }, (_, index) => make(index))
export const trace = (points: Point[]) => `M${points.map(([x, y]) => at(x, y)).join("L")}Z`
export const path = (d: string, fill: string, opacity = 1) =>
  `<path d="${d}" fill="${fill}" fill-opacity="${opacity}"/>`
export const disc = (x: number, y: number, radius: number, fill: string, opacity = 1) =>
  `<circle cx="${round(x)}" cy="${round(y)}" r="${round(radius)}" fill="${fill}" fill-opacity="${opacity}"/>`
export const box = (x: number, y: number, width: number, height: number, fill: string, more = "") =>
  `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" fill="${fill}" ${more}/>`
/** A colour with its opacity, as one word. */
export const clear = (colour: string, opacity: number) =>
  `${colour}${Math.round(opacity * 255)
    .toString(16)
    .padStart(2, "0")}`

export function mix(from: string, to: string, share: number): string {
  const channel = (colour: string, start: number) => parseInt(colour.slice(start, start + 2), 16)
  const blend = (start: number) => Math.round(channel(from, start) * (1 - share) + channel(to, start) * share)
  return `#${[1, 3, 5].map((start) => blend(start).toString(16).padStart(2, "0")).join("")}`
}

/** A gradient from the top of a shape to its foot (or from its middle outward), its colours evenly spaced. */
export function fade(id: string, colours: string[], kind: "linear" | "radial" = "linear"): string {
  const stops = colours.map((colour, i) => `<stop offset="${i / (colours.length - 1)}" stop-color="${colour}"/>`)
  return `<${kind}Gradient id="${id}"${kind === "linear" ? ' x2="0" y2="1"' : ""}>${stops.join("")}</${kind}Gradient>`
}

/** Halves every stretch of a line again and again, moving each new point: ridges come out of it. */
function roughen(random: Random, line: Point[], roughness: number, depth: number): Point[] {
  if (depth === 0) return line
  const finer = line.flatMap((point, index): Point[] => {
    const next = line[index + 1]
    if (!next) return [point]
    const reach = Math.hypot(next[0] - point[0], next[1] - point[1]) * roughness
    return [point, [(point[0] + next[0]) / 2, (point[1] + next[1]) / 2 + (random() - 0.5) * reach]]
  })
  return roughen(random, finer, roughness, depth - 1)
}

export function ridge({ random, width }: Stage, y: number, amplitude: number): Point[] {
  const steps = Math.max(3, Math.round(width / 230))
  const anchors = times(steps + 1, (i): Point => {
    const rise = i % 2 ? between(random, 0.5, 1) : between(random, 0, 0.5)
    return [-20 + ((width + 40) * i) / steps, y - amplitude * rise]
  })
  return roughen(random, anchors, 0.3, 5)
}

/** A gently rolling line: three sine waves of random phase. */
export function roll({ random, width }: Stage, y: number, amplitude: number): Point[] {
  const waves = [0.7, 1.6, 3.1].map((turns) => ({ turns: turns * between(random, 0.8, 1.3), phase: random() * 7 }))
  const rise = (x: number) =>
    waves.reduce((sum, { turns, phase }) => sum + Math.sin((x / 1000) * turns * 3.2 + phase) / (turns + 0.4), 0)
  return times(width / 16 + 2, (i): Point => [i * 16 - 8, y - amplitude * 0.5 * (1 + rise(i * 16) / 1.6)])
}

/** Land from a line down to the bottom, paler toward its foot where the mist lies. */
export function land(stage: Stage, line: Point[], bottom: number, depth: number, haze = 0.55): string {
  // In one picture every depth is used once.
  const id = `land${Math.round(depth * 1000)}`
  return misty(stage, id, depth, haze) + ground(line, bottom, `url(#${id})`)
}

export function ground(line: Point[], bottom: number, fill: string): string {
  return path(trace([...line, [line.at(-1)?.[0] ?? 0, bottom], [line[0]?.[0] ?? 0, bottom]]), fill)
}

export function heightAt(line: Point[], x: number): number {
  const index = line.findIndex((point) => point[0] >= x)
  const [left, right] = [line[Math.max(0, index - 1)], line[index]]
  if (!left || !right) return line.at(-1)?.[1] ?? 0
  return left[1] + ((right[1] - left[1]) * (x - left[0])) / (right[0] - left[0] || 1)
}

/** The colour of land at a depth: 0 is the horizon, 1 stands before the viewer. */
export function tone({ palette: { land } }: Stage, depth: number): string {
  return depth < 0.5 ? mix(land[0], land[1], depth * 2) : mix(land[1], land[2], Math.min(1, depth * 2 - 1))
}

export function misty(stage: Stage, id: string, depth: number, haze = 0.55): string {
  const colour = tone(stage, depth)
  return fade(id, [colour, mix(colour, stage.palette.sky[3], haze * (1 - depth * 0.7))])
}

function conifer(random: Random, x: number, foot: number, tall: number): string {
  const tiers = Math.round(5 + Math.min(7, tall / 60))
  const side = (sign: number) => {
    const tips = times(tiers, (i) => {
      const [reach, low] = [(0.02 + (0.17 * (i + 1)) / tiers) * between(random, 0.8, 1.1), 1 - (i + 1) / tiers]
      const inner = at(x + sign * tall * reach * 0.45, foot - tall * (0.07 + low * 0.93 + 0.035))
      return [at(x + sign * tall * reach, foot - tall * (0.07 + low * 0.93)), inner]
    })
    return sign > 0 ? tips.flat() : tips.flat().reverse()
  }
  const trunk = [at(x + tall * 0.018, foot + 6), at(x - tall * 0.018, foot + 6)]
  return `M${at(x, foot - tall)}L${[...side(1), ...trunk, ...side(-1)].join("L")}Z`
}

/** A wood along a line; one that frames the view is densest and tallest at the sides. */
export function wood({ random, width }: Stage, line: Point[], tall: number, gap: number, frame = false): string {
  const trees = times(Math.min(260, width / gap), (i) => {
    const x = (i + random()) * gap
    const open = frame ? Math.min(1, Math.abs(x / width - 0.5) * 2.6) ** 2.2 : 1
    if (frame && random() > open + 0.12) return ""
    return conifer(random, x, heightAt(line, x) + 4, tall * between(random, 0.55, 1.1) * (0.3 + 0.7 * open))
  })
  return trees.join("")
}

/** One peak: two slopes, the side in the shade, and snow down to a ragged line. */
function peak(stage: Stage, x: number, top: number, base: number, reach: number): string {
  const { random, palette, light, night } = stage
  const slope = (foot: number): Point[] =>
    roughen(random, trail([x, top, x + foot * 0.5, top + (base - top) * 0.52, x + foot, base]), 0.22, 4)
  const [left, right] = [slope(-reach), slope(reach)]
  const spine = roughen(random, trail([x, top, x + between(random, -0.12, 0.12) * reach, base]), 0, 4)
  const bent = spine.map(([px, py], i): Point => [px + (random() - 0.5) * reach * 0.016 * i, py])
  const shaded = light.x > x ? left : right
  const snowy = (side: Point[]) => side.slice(0, Math.round(side.length * between(random, 0.26, 0.36)))
  const [west, east] = [snowy(left), snowy(right)]
  const [a, b]: [Point, Point] = [east.at(-1) ?? [x, top], west.at(-1) ?? [x, top]]
  const teeth = times(9, (i): Point => {
    const [share, y] = [(i + 0.5) / 9, a[1] + ((b[1] - a[1]) * (i + 0.5)) / 9]
    const bite = (i % 2 ? -0.32 * Math.sin(share * Math.PI) : 0.16) * between(random, 0.5, 1.3)
    return [a[0] + (b[0] - a[0]) * share, y + bite * (y - top)]
  })
  return [
    path(trace([...left.toReversed(), ...right]), "url(#peak)"),
    path(trace([...west.toReversed(), ...east, ...teeth]), mix("#ffffff", palette.sun, 0.25), night ? 0.55 : 0.92),
    path(trace([...bent, ...shaded.toReversed()]), "url(#shade)"),
  ].join("")
}

function trail(numbers: number[]): Point[] {
  return times(numbers.length / 2, (i): Point => [numbers[2 * i] ?? 0, numbers[2 * i + 1] ?? 0])
}

export function mountains(stage: Stage, base: number, tall: number): string {
  const { random, width, palette } = stage
  const [count, colour] = [Math.max(2, Math.round((width / 1000) * between(random, 1.8, 3.4))), tone(stage, 0.32)]
  const dark = mix(colour, palette.land[2], 0.5)
  const peaks = times(count, (i) => ({
    x: (width * (i + between(random, 0.2, 0.8))) / count,
    top: base - tall * between(random, 0.5, 1),
    reach: (width / count) * between(random, 0.75, 1.1),
  }))
  const drawn = peaks.toSorted((a, b) => a.top - b.top).map(({ x, top, reach }) => peak(stage, x, top, base, reach))
  const haze = mix(colour, palette.sky[3], 0.6)
  return fade("peak", [colour, haze]) + fade("shade", [clear(dark, 0.72), clear(dark, 0.02)]) + drawn.join("")
}

/** A flat lens on the water: a ripple, or a glint of the light. */
function lens(x: number, y: number, long: number, thick: number): string {
  return `M${at(x - long, y)}Q${at(x, y - thick)} ${at(x + long, y)}Q${at(x, y + thick)} ${at(x - long, y)}Z`
}

/** Repeats what stands above the line upside down in the water below it, and lays ripples over it. */
export function water(stage: Stage, above: string, line: number): string {
  const { width, height, random, palette, light, night } = stage
  const [room, deep] = [height - line, mix(palette.sky[0], palette.land[2], 0.4)]
  const ripples = times(width * 0.07, () => {
    const near = random() ** 1.3
    return lens(random() * width, line + 6 + near * room, (20 + 120 * near) * between(random, 0.5, 1.3), 1 + 3.4 * near)
  })
  const glitter = times(46, (i) => {
    const near = (i + random()) / 46
    const spread = light.radius * (0.3 + 1.1 * near)
    const x = light.x + (random() - 0.5) * spread * 1.6
    return lens(x, line + 3 + near * room * 0.95, spread * between(random, 0.3, 0.9), 1.4 + 4 * near)
  })
  const half = ripples.length / 2
  return [
    `<clipPath id="below">${box(0, line, width, room, "#000000")}</clipPath>`,
    fade("deep", [clear(mix(deep, palette.sky[3], 0.5), 0.2), clear(deep, 0.55), clear(deep, 0.92)]),
    `<g id="above">${above}</g><g clip-path="url(#below)">`,
    `<use href="#above" transform="matrix(1 0 0 -0.9 0 ${round(line * 1.9)})"/>`,
    box(0, line, width, room, "url(#deep)"),
    path(ripples.slice(0, half).join(""), palette.sky[3], 0.22) + path(ripples.slice(half).join(""), deep, 0.25),
    `${path(glitter.join(""), palette.sun, night ? 0.4 : 0.55)}</g>`,
  ].join("")
}

export function boat({ palette }: Stage, x: number, y: number, size: number): string {
  const place = `<g transform="translate(${at(x, y)}) scale(${round(size)})">`
  const sails =
    path("M2-98Q44-52 38-8H2Z", mix("#ffffff", palette.sun, 0.4)) + path("M-4-84Q-14-40-30-8H-4Z", palette.land[0])
  return `${place}${sails}${path("M-36 0H38Q30 17 18 17H-18Q-30 17-36 0Z", palette.land[2])}</g>`
}

export function birds({ random, width, palette }: Stage, y: number): string {
  const [x, tilt] = [between(random, 0.15, 0.75) * width, between(random, -0.35, 0.35)]
  const flock = times(between(random, 4, 9), (i) => {
    const [bx, by, w] = [x + i * 34 + 14 * random(), y + i * 34 * tilt + 16 * random(), between(random, 9, 17)]
    const [q, h] = [round(w), round(w * 0.6)]
    return (
      `M${at(bx - w, by)}q${at(h, -h / 2)} ${q} ${h}q${at(h / 2, -h * 1.5)} ${q} ${-h}` +
      `q${at(-h, h / 4)} ${at(-q, h * 1.6)}q${at(-h / 2, -h)} ${at(-q, -h * 1.6)}Z`
    )
  })
  return path(flock.join(""), palette.land[2], 0.8)
}

export function sky(stage: Stage, bottom: number): string {
  const { width, palette, night, light } = stage
  const { x, y, radius } = light
  const glow = night ? 0.4 : 0.75
  const halo = [glow, glow * 0.4, glow * 0.17, glow * 0.05, 0].map((opacity) => clear(palette.sun, opacity))
  const rings = [1.7, 1.33, 1].map((size) => disc(x, y, radius * size, palette.sun, size > 1 ? 0.18 : 1))
  return [
    fade("sky", palette.sky) + fade("halo", halo, "radial") + box(0, 0, width, bottom, "url(#sky)"),
    night ? stars(stage, bottom) : "",
    stage.aurora ? aurora(stage, bottom) : "",
    disc(x, y, radius * (night ? 5 : 6), "url(#halo)"),
    night ? moon(stage) : rings.join(""),
    clouds(stage, bottom),
  ].join("")
}

function moon({ palette, light: { x, y, radius } }: Stage): string {
  const shade = mix(palette.sun, palette.sky[1], 0.14)
  const crater = (dx: number, dy: number, size: number) => disc(x + dx * radius, y + dy * radius, size * radius, shade)
  const craters =
    crater(-0.38, -0.2, 0.26) + crater(-0.1, -0.4, 0.2) + crater(0.34, 0.2, 0.24) + crater(-0.2, 0.48, 0.13)
  return disc(x, y, radius, palette.sun) + craters
}

function stars({ width, random, palette }: Stage, bottom: number): string {
  const all = times(width * 0.2, () => {
    const [x, y, bright] = [random() * width, random() ** 1.4 * bottom * 0.85, random() < 0.05]
    const reach = between(random, 0.8, 2.2) + (bright ? 4 : 0)
    const points = times(8, (i): Point => {
      const [angle, far] = [(i * Math.PI) / 4, i % 2 ? reach * (bright ? 0.12 : 0.6) : reach]
      return [x + Math.cos(angle) * far, y + Math.sin(angle) * far]
    })
    return trace(points)
  })
  return path(all.slice(0, 80).join(""), palette.sun, 0.95) + path(all.slice(80).join(""), palette.sun, 0.55)
}

/** Curtains of light: bands of one height laid over each other, so that they glow most at their foot. */
function aurora(stage: Stage, bottom: number): string {
  const curtains = ["#a07bff", "#38e0c8", "#5dffb0"].map((tint, i) => {
    const foot = roll(stage, bottom * (0.45 + i * 0.16), 240)
    const bands = times(6, (k) => {
      const lift = (x: number) => (k + 1) ** 1.3 * (24 + 9 * Math.sin(x / 130 + i * 2))
      const head = foot.map(([x, y]): Point => [x, y - lift(x)])
      return path(trace([...foot, ...head.reverse()]), tint, 0.085)
    })
    return bands.join("")
  })
  return curtains.join("")
}

/** Banks of long flat strips; a bank is one path, so that strips which overlap do not show. */
function clouds({ width, random, palette, night }: Stage, bottom: number): string {
  const banks = times(2 + random() * 3, () => {
    const [x, y, scale] = [random() * width, between(random, 0.1, 0.6) * bottom, between(random, 0.6, 1.4)]
    const [count, r] = [2 + Math.floor(random() * 3), round(11 * scale)]
    const strips = times(count, (i) => {
      const long = round((70 + (200 * (i + 1)) / count) * between(random, 0.7, 1.2) * scale)
      const start = at(x - long / 2 + between(random, -60, 60) * scale, y + i * r * 1.9)
      return `M${start}h${long}a${r} ${r} 0 0 1 0 ${2 * r}h${-long}a${r} ${r} 0 0 1 0 ${-2 * r}Z`
    })
    return path(strips.join(""), mix(palette.sky[3], palette.sun, 0.4), night ? 0.1 : 0.42)
  })
  return banks.join("")
}

export function snowfall({ width, height, random }: Stage): string {
  const flake = () => disc(random() * width, random() * height, 1.2 + 4 * random() ** 3, "#ffffff", 0.8)
  return times(width * 0.13, flake).join("")
}
