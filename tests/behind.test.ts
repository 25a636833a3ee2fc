// One Atelier behind another: the outer one takes the inner one for AIHubMix, whose API it speaks.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { allModels } from "../server/catalogue/catalogue.ts"
import type { Model } from "../server/catalogue/model.ts"
import { call, download, generate, kindOf, plainPng } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"

/** A live key of a server whose only vendor is another Atelier. */
async function outerOf({ url }: InProcess, AIHUBMIX_API_KEY: string) {
  const outer = await composeServer({ AIHUBMIX_BASE_URL: url, AIHUBMIX_API_KEY })
  // A day on which the vendors still served every model that the catalogue has.
  const days = allModels.flatMap(({ retires, routes }) => [retires, ...routes.map((route) => route.retires)])
  const first = Math.min(...days.map((day) => Date.parse(day ?? "2026-11-01")))
  const back = Date.now() - first + 86_400_000
  outer.atelier.app.clock.now = () => Date.now() - back
  return { outer, target: { url: outer.url, testKey: await createKey(outer.atelier.app, defaultProject, "live") } }
}

let inner: InProcess
let outer: InProcess
let target: { url: string; testKey: string }

before(async () => {
  inner = await composeServer()
  ;({ outer, target } = await outerOf(inner, inner.testKey))
})
after(async () => {
  await outer.end()
  await inner.end()
})

const picture = async () => (await plainPng({ width: 512, height: 512 })).toString("base64")

async function leastOf({ id, imagesMin, parameters }: Model): Promise<Record<string, unknown>> {
  const image = await Promise.all(Array.from({ length: imagesMin }, picture))
  const cheap = parameters.shape["quality"]?.safeParse("low").success ? { quality: "low" } : {}
  return { prompt: `a bridge, ${id}`, ...cheap, ...(imagesMin > 0 ? { image } : {}) }
}

const callsAbout = (text: string) => sandboxCalls(inner).filter(({ prompt }) => prompt?.includes(text) === true)

describe("an Atelier behind an Atelier", () => {
  it(`makes a picture with each of the ${allModels.length} models`, async () => {
    const drawOne = async (model: Model) => {
      const input = await leastOf(model)
      const json = { model: model.id, input, wait: 60 }
      const { status, body } = await call<Generation>(target, "/v1/generations", { json })
      assert.deepEqual([status, body.status], [200, "succeeded"], `${model.id}: ${JSON.stringify(body)}`)
      for (const { url, media_type } of body.images)
        assert.equal(`image/${kindOf(await download(url))}`, media_type, model.id)
      const vendors = new Set(callsAbout(String(input["prompt"])).map(({ vendor }) => vendor))
      assert.deepEqual([...vendors], [model.routes[0]?.provider], model.id)
    }
    await Promise.all(allModels.map(drawOne))
  })

  it("hands on size, format and number, and tells what was used", async () => {
    const given = { model: "openai/gpt-image-2", size: "1024x640", output_format: "webp", quality: "low", n: 3 }
    const { body } = await generate(target, "three ferries", given)
    assert.deepEqual(
      body.images.map(({ width, height, media_type }) => `${width}x${height} ${media_type}`),
      Array(3).fill("1024x640 image/webp"),
    )
    assert.equal(callsAbout("three ferries").length, 1)
    const { usage } = body as unknown as { usage: { output_tokens: number } }
    assert.ok(usage.output_tokens > 0)
  })

  it("hands on pictures and masks", async () => {
    const [image, mask] = [await picture(), (await plainPng({ width: 512, height: 512, alpha: 0 })).toString("base64")]
    const wishes = {
      "openai/gpt-image-2": { image: [image, image], mask, quality: "low", size: "1024x1024" },
      "bfl/flux-2-pro": { image: [image, image], size: "256x256" },
      "bfl/flux-kontext-max": { image },
      "doubao/doubao-seedream-4-0": { image: [image, image] },
    }
    const change = async ([model, more]: [string, object]) => {
      const { body } = await generate(target, `repaint with ${model}`, { model, ...more })
      assert.equal(body.status, "succeeded", `${model}: ${JSON.stringify(body.error)}`)
    }
    await Promise.all(Object.entries(wishes).map(change))
  })

  it("hands on failures, whatever the form of the answer", async () => {
    const models = ["openai/gpt-image-2", "openai/dall-e-3", "bfl/flux-2-pro", "doubao/doubao-seedream-4-0"]
    const table = models.flatMap((model) => [
      [model, "sandbox:moderation", "content_refused"],
      [model, "sandbox:no-image", "provider_error"],
      [model, "sandbox:no-credit", "provider_unavailable"],
    ])
    const meet = async ([model = "", word = "", code]: string[]) => {
      const { body } = await generate(target, `${word} at sea`, { model })
      assert.deepEqual([body.status, body.error?.code], ["failed", code], `${model} ${word}`)
    }
    await Promise.all(table.map(meet))
  })

  it("is a vendor that cannot be used where its key is wrong", async () => {
    const stranger = await outerOf(inner, "sk-wrong")
    const { body } = await generate(stranger.target, "a closed gate", { model: "openai/gpt-image-2" })
    assert.deepEqual([body.status, body.error?.code], ["failed", "provider_unavailable"])
    await stranger.outer.end()
  })
})
