// What the sandbox promises of its pictures: exact size and format, the same picture again, any prompt whatever.
import assert from "node:assert/strict"
import { test } from "node:test"
import sharp from "sharp"
import { paint } from "./painter.ts"
import type { Painting } from "./painter.ts"

const painting: Painting = {
  prompt: "a mountain lake",
  seed: 7,
  model: "north-pro",
  width: 320,
  height: 240,
  format: "png",
}

async function pixels(changes: Partial<Painting>): Promise<Buffer> {
  return sharp(await paint({ ...painting, ...changes }))
    .removeAlpha()
    .raw()
    .toBuffer()
}

/** How far two pictures of one size are apart, on average, in steps of 0 to 255. */
async function distance(one: Partial<Painting>, other: Partial<Painting>): Promise<number> {
  const [left, right] = [await pixels(one), await pixels(other)]
  assert.equal(left.length, right.length)
  return left.reduce((sum, value, at) => sum + Math.abs(value - (right[at] ?? 0)), 0) / left.length
}

const sizes: [number, number][] = [
  [16, 16],
  [96, 100],
  [256, 256],
  [1023, 77],
  [100, 1500],
  [4096, 16],
  [16, 4096],
]

for (const [width, height] of sizes) {
  for (const format of ["png", "jpeg", "webp"] as const) {
    test(`draws ${width} × ${height} as ${format}`, async () => {
      const found = await sharp(await paint({ ...painting, width, height, format })).metadata()
      assert.deepEqual([found.format, found.width, found.height, found.hasAlpha], [format, width, height, false])
    })
  }
}

test("draws the largest size", async () => {
  const found = await sharp(await paint({ ...painting, width: 4096, height: 4096, format: "jpeg" })).metadata()
  assert.deepEqual([found.width, found.height], [4096, 4096])
})

test("draws the same bytes again", async () => {
  for (const format of ["png", "jpeg", "webp"] as const)
    assert.ok((await paint({ ...painting, format })).equals(await paint({ ...painting, format })))
})

test("another prompt or another seed is another picture", async () => {
  assert.ok((await distance({}, { prompt: "a mountain lake in autumn" })) > 4)
  assert.ok((await distance({}, { prompt: "a mountain lake " })) > 4)
  assert.ok((await distance({}, { seed: 8 })) > 4)
})

test("words in the prompt choose the scenery", async () => {
  const night = await sharp(await paint({ ...painting, prompt: "a city at night" })).stats()
  const day = await sharp(await paint({ ...painting, prompt: "hills on a sunny day" })).stats()
  assert.ok((night.channels[2]?.mean ?? 255) + 40 < (day.channels[2]?.mean ?? 0))
})

test("a transparent picture is empty in its corners and full in its middle", async () => {
  for (const format of ["png", "webp"] as const) {
    const picture = sharp(await paint({ ...painting, format, transparent: true }))
    const { data, info } = await picture.raw().toBuffer({ resolveWithObject: true })
    assert.equal(info.channels, 4)
    assert.equal(data[3], 0)
    assert.equal(data[(120 * 320 + 160) * 4 + 3], 255)
  }
})

test("a jpeg asked to be transparent keeps its ground", async () => {
  const [asked, plain] = await Promise.all(
    [true, false].map((transparent) => paint({ ...painting, format: "jpeg", transparent })),
  )
  assert.ok(asked && plain?.equals(asked))
})

test("an early state is a coarser picture of the same size, nearer to the end the later it is", async () => {
  const found = await sharp(await paint({ ...painting, completeness: 0.5 })).metadata()
  assert.deepEqual([found.width, found.height], [320, 240])
  const [early, late] = [await distance({}, { completeness: 0.1 }), await distance({}, { completeness: 0.9 })]
  assert.ok(late > 0.5)
  assert.ok(early > late)
  assert.ok(early < (await distance({}, { prompt: "a city at night" })))
})

test("an early state may be transparent, tiny, or nothing yet", async () => {
  const tiny = { ...painting, width: 16, height: 16, transparent: true, completeness: 0 }
  const { channels } = await sharp(await paint(tiny)).metadata()
  assert.equal(channels, 4)
})

test("quality changes the size of a file", async () => {
  for (const format of ["jpeg", "webp"] as const) {
    const [worst, best] = [
      await paint({ ...painting, format, quality: 0 }),
      await paint({ ...painting, format, quality: 100 }),
    ]
    assert.ok(worst.length < best.length)
  }
})

const oddPrompts: Record<string, string> = {
  empty: "",
  blank: " \n\t\u3000 ",
  long: "a very long prompt ".repeat(1_700).slice(0, 32_000),
  "one long word": "m".repeat(32_000),
  "32,000 spaces": `${" ".repeat(31_990)}lake`,
  markup: `</svg><!-- <script>"&lt;&\u0027]]> & <g> %s \${x}`,
  control: Array.from({ length: 160 }, (_, code) => String.fromCharCode(code)).join(""),
  emoji: "🌄👨‍👩‍👧‍👦🇩🇪👍🏽 ❤️ 1️⃣".repeat(40),
  chinese: "一只狐狸在森林里".repeat(400),
  mixed: "Лиса, αλεπού, cáo, zażółć, naïve — “fox”… 狐 🦊",
  "half a pair": "\ud83d fox \udd8a",
  "right to left": "\u202eشجرة \u200fעץ\u2069",
  "many marks": `e${"\u0301".repeat(5_000)}`,
  "beyond the planes": "\u{10ffff}\uffff\ue000\ufeff",
}

for (const [name, prompt] of Object.entries(oddPrompts)) {
  test(`takes an odd prompt: ${name}`, async () => {
    const found = await sharp(await paint({ ...painting, prompt, model: prompt.slice(0, 200) })).metadata()
    assert.deepEqual([found.format, found.width, found.height], ["png", 320, 240])
  })
}

test("pairs that make one character are never cut, wherever the text ends", async () => {
  for (let length = 595; length < 605; length++) await paint({ ...painting, prompt: `${"x".repeat(length)}🦊🦊` })
})

test("the label shows the prompt and the model", async () => {
  const [one, other] = await Promise.all(["north-pro", "south-lite"].map((model) => pixels({ model })))
  assert.ok(one && !other?.equals(one))
})
