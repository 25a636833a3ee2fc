// Somebody else's client of Ideogram against its imitation: ideogram-api 1.1.0 for Node. The vendor publishes none.
import assert from "node:assert/strict"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import sharp from "sharp"
import { download, plainPng } from "../calls.ts"
import { temporaryFolder } from "../harness.ts"
import { serveSandbox } from "./sandbox.ts"
import type { ServedSandbox } from "./sandbox.ts"

type Answer = { data: { url: string | null; resolution: string; is_image_safe: boolean; seed: number }[] }
type Operation = (parameters: Record<string, unknown>) => Promise<Answer>
type Client = Record<"generate" | "edit" | "remix" | "reframe" | "replaceBackground", Operation> & { logger: object }
type Package = { IdeogramAPI: new (key: string, baseUrl: undefined, logLevel: string) => Client }

// Named by a variable, so that the types do without a package that is not there.
const name: string = "ideogram-api"
const found = await import(name).then(
  (loaded) => loaded as Package,
  () => undefined,
)

let sandbox: ServedSandbox
before(async () => {
  sandbox = await serveSandbox()
})
after(() => sandbox.end())

/** Its constructor takes addresses with https alone; the sandbox speaks http on loopback. */
function clientOf(key = "any"): Client {
  const client = new found!.IdeogramAPI(key, undefined, "error")
  Object.assign(client.logger, { silent: true })
  return Object.assign(client, { baseUrl: `${sandbox.url}/ideogram` })
}

async function sizesOf({ data }: Answer): Promise<string[]> {
  const made = await Promise.all(data.map(async ({ url }) => sharp(await download(url ?? "")).metadata()))
  assert.deepEqual(
    made.map(({ width, height }) => `${width}x${height}`),
    data.map(({ resolution }) => resolution),
  )
  return data.map(({ resolution }) => resolution)
}

const skip = found ? false : `the package ${name} is not installed`

describe("ideogram-api for Node", { skip }, () => {
  it("makes pictures", async () => {
    const wish = { prompt: "a tin robot", aspectRatio: "16x9", renderingSpeed: "QUALITY", numImages: 2, seed: 7 }
    const made = await clientOf().generate({ ...wish, colorPalette: { name: "EMBER" }, stylePreset: "AURA" })
    assert.deepEqual(await sizesOf(made), ["1312x736", "1312x736"])
    assert.equal(made.data[0]?.seed, 7)
    const styled = await clientOf().generate({ prompt: "a tin robot", styleCodes: ["00AAff11", "22334455"] })
    assert.deepEqual(await sizesOf(styled), ["1024x1024"])
  })

  it("remixes, edits under the older name, reframes, and replaces a background", async () => {
    const [client, image] = [clientOf(), await plainPng()]
    const file = join(temporaryFolder(), "square.png")
    await writeFile(file, image)
    const made = [
      await client.remix({ prompt: "watercolor", image, imageWeight: 75, aspectRatio: "3x4" }),
      await client.edit({ prompt: "a red door", image, mask: image }),
      await client.replaceBackground({ prompt: "a beach", image }),
      await client.reframe({ image: file, resolution: "1536x512" }),
    ]
    const sizes = ["864x1152", "1024x1024", "1024x1024", "1536x512"]
    assert.deepEqual((await Promise.all(made.map(sizesOf))).flat(), sizes)
  })

  it("understands a refused prompt, a picture that was held back, a wrong key and a wrong request", async () => {
    await assert.rejects(clientOf().generate({ prompt: "sandbox:moderation" }), /Validation failed/)
    const [unsafe] = (await clientOf().generate({ prompt: "sandbox:moderation-output" })).data
    assert.deepEqual([unsafe?.url, unsafe?.is_image_safe], [null, false])
    await assert.rejects(clientOf("invalid").generate({ prompt: "x" }), /Authentication failed/)
    await assert.rejects(clientOf("invalid").remix({ prompt: "x", image: await plainPng() }), /Not authorized/)
    await assert.rejects(clientOf().generate({ prompt: "x", aspectRatio: "16:9" }), /Invalid input/)
    await assert.rejects(clientOf().generate({ prompt: "sandbox:rate-limit" }), /Rate limit/)
  })
})
