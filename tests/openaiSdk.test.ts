// OpenAI's own SDK, unchanged but for its address and key, against the server as a user starts it.
import assert from "node:assert/strict"
import { after, before, describe, it } from "node:test"
import OpenAI, { APIError, toFile } from "openai"
import sharp from "sharp"
import { download, kindOf, plainPng } from "./calls.ts"
import { sandboxCalls, startServer } from "./harness.ts"
import type { Server } from "./harness.ts"

const model = "gpt-image-1"

let server: Server
let client: OpenAI

before(async () => {
  server = await startServer()
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: server.testKey, maxRetries: 0 })
})
after(() => server.kill("SIGKILL"))

const callsAbout = (prompt: string) => sandboxCalls(server).filter((call) => call.prompt === prompt)
const bytesOf = (image: OpenAI.Image | undefined) => Buffer.from(image?.b64_json ?? "", "base64")

/** Throws unless the promise is rejected with that class of the SDK, with all that its users read in it. */
async function refused(promise: Promise<unknown>, kind: { name: string }, status: number): Promise<APIError> {
  const error = await promise.then(
    () => assert.fail("it was answered"),
    (error: unknown) => error,
  )
  assert.ok(error instanceof APIError && error.constructor === kind, `${String(error)} is no ${kind.name}`)
  assert.equal(error.status, status)
  assert.match(error.requestID ?? "", /^req_\w{24}$/)
  assert.equal((error.error as { request_id: string }).request_id, error.requestID)
  return error
}

describe("openai sdk: pictures", () => {
  it("makes one as base64, with its usage", async () => {
    const answer = await client.images.generate({ model, prompt: "a paper boat", size: "1024x1536", quality: "low" })
    assert.equal(answer.data?.length, 1)
    const image = bytesOf(answer.data[0])
    const { format, width, height } = await sharp(image).metadata()
    assert.deepEqual([format, width, height], ["png", 1024, 1536])
    assert.equal(answer.data[0]?.url, undefined)
    assert.deepEqual([answer.size, answer.output_format, answer.quality], ["1024x1536", "png", "low"])
    assert.ok(Math.abs(answer.created - Date.now() / 1000) < 60)
    const { usage } = answer
    assert.ok(usage && usage.output_tokens > 0)
    assert.equal(usage.total_tokens, usage.input_tokens + usage.output_tokens)
    assert.deepEqual(usage.input_tokens_details, { image_tokens: 0, text_tokens: usage.input_tokens })
  })

  it("makes one as a link that needs no key, in the format asked for", async () => {
    const answer = await client.images.generate({
      model: "openai/gpt-image-1-mini",
      prompt: "a fox",
      response_format: "url",
      output_format: "webp",
      output_compression: 60,
    })
    assert.equal(answer.data?.length, 1)
    assert.equal(answer.data[0]?.b64_json, undefined)
    assert.equal(kindOf(await download(answer.data[0]!.url!)), "webp")
    assert.equal(answer.output_format, "webp")
  })

  it("makes two that differ, in one call to the vendor", async () => {
    const prompt = "two different owls"
    const { data = [] } = await client.images.generate({ model, prompt, n: 2, size: "1024x1024" })
    assert.equal(data.length, 2)
    assert.ok(!bytesOf(data[0]).equals(bytesOf(data[1])))
    for (const one of data) assert.equal(kindOf(bytesOf(one)), "png")
    assert.equal(callsAbout(prompt).length, 1)
  })

  it("makes as many of dall-e-3 as asked, one call each, as links with the reworded prompt", async () => {
    const prompt = "three hills"
    const { data = [] } = await client.images.generate({ model: "dall-e-3", prompt, n: 3 })
    assert.equal(new Set(data.map(({ url }) => url)).size, 3)
    for (const { url, revised_prompt } of data) {
      assert.equal(kindOf(await download(url!)), "png")
      assert.match(revised_prompt ?? "", /^three hills/)
    }
    assert.equal(callsAbout(prompt).length, 3)
  })

  it("uses gpt-image-2 where no model is named", async () => {
    await client.images.generate({ prompt: "whatever you like" })
    assert.deepEqual(
      callsAbout("whatever you like").map((call) => call.model),
      ["gpt-image-2"],
    )
  })

  it("draws with FLUX.1-Kontext-pro and safety_tolerance 6, as the older documents call it", async () => {
    const wish = { model: "FLUX.1-Kontext-pro", prompt: "a cat in the garden, cute cartoon", safety_tolerance: 6 }
    const { data = [] } = await client.images.generate(wish)
    assert.equal(data.length, 1)
    assert.equal(kindOf(bytesOf(data[0])), "png")
    assert.equal(callsAbout(wish.prompt)[0]?.vendor, "bfl")
  })
})

describe("openai sdk: edits", () => {
  it("changes one picture, within a mask", async () => {
    const image = await toFile(await plainPng({ width: 512, height: 512 }), "room.png", { type: "image/png" })
    const mask = await toFile(await plainPng({ width: 512, height: 512, alpha: 0 }), "mask.png", { type: "image/png" })
    const { data = [], usage } = await client.images.edit({ model, image, mask, prompt: "a sunlit room", n: 1 })
    assert.equal(data.length, 1)
    assert.equal(kindOf(bytesOf(data[0])), "png")
    assert.ok((usage?.input_tokens_details.image_tokens ?? 0) > 0, "the picture reached the vendor")
    assert.equal(callsAbout("a sunlit room")[0]?.path, "/v1/images/edits")
  })

  it("takes several pictures, and more of them count for more", async () => {
    const one = await toFile(await plainPng({ width: 512, height: 512 }), "one.png", { type: "image/png" })
    const edit = (image: File[]) => client.images.edit({ model, image, prompt: "a gift basket", size: "1024x1024" })
    const [few, many] = [await edit([one]), await edit([one, one, one])]
    const tokens = ({ usage }: OpenAI.ImagesResponse) => usage?.input_tokens_details.image_tokens ?? 0
    assert.ok(tokens(few) > 0)
    assert.equal(tokens(many), 3 * tokens(few))
  })

  it("takes an edit without a picture for what it is", async () => {
    const wish = { model, prompt: "nothing to change" } as OpenAI.ImageEditParamsNonStreaming
    const error = await refused(client.images.edit(wish), OpenAI.BadRequestError, 400)
    assert.equal(error.param, "image")
  })
})

describe("openai sdk: streams", () => {
  it("sends early states and then the picture with its usage", async () => {
    const stream = await client.images.generate({
      ...{ model, prompt: "a slow sunrise", stream: true, partial_images: 2, size: "1024x1024", quality: "low" },
    })
    const types: string[] = []
    for await (const event of stream) {
      types.push(event.type)
      assert.equal(kindOf(Buffer.from(event.b64_json, "base64")), "png")
      if (event.type === "image_generation.partial_image") assert.equal(event.partial_image_index, types.length - 1)
      else assert.ok(event.usage.output_tokens > 0)
      assert.deepEqual([event.size, event.output_format, event.quality], ["1024x1024", "png", "low"])
    }
    const partial = "image_generation.partial_image"
    assert.deepEqual(types, [partial, partial, "image_generation.completed"])
  })

  it("streams edits under their own names", async () => {
    const image = await toFile(await plainPng({ width: 512, height: 512 }), "room.png", { type: "image/png" })
    const stream = await client.images.edit({ model, image, prompt: "a red room", stream: true, partial_images: 1 })
    const types: string[] = []
    for await (const event of stream) types.push(event.type)
    assert.deepEqual(types, ["image_edit.partial_image", "image_edit.completed"])
  })

  it("answers what the filter refuses with the status, not inside the stream", async () => {
    const wish = { model, prompt: "sandbox:moderation streamed", stream: true, partial_images: 1 } as const
    const error = await refused(client.images.generate(wish), OpenAI.BadRequestError, 400)
    assert.equal(error.type, "image_generation_user_error")
  })

  it("tells inside the stream what happens after the first early state", async () => {
    const wish = { model, prompt: "sandbox:moderation-output streamed", stream: true, partial_images: 2 } as const
    const stream = await client.images.generate(wish)
    const types: string[] = []
    const reading = (async () => {
      for await (const event of stream) types.push(event.type)
    })()
    await assert.rejects(reading, (error) => error instanceof APIError && error.code === "content_refused")
    assert.deepEqual(new Set(types), new Set(["image_generation.partial_image"]))
  })
})

describe("openai sdk: models", () => {
  it("lists them", async () => {
    const models: OpenAI.Model[] = []
    for await (const one of client.models.list()) models.push(one)
    const ids = models.map(({ id }) => id)
    for (const id of ["openai/gpt-image-1.5", "openai/dall-e-3", "bfl/flux-2-pro", "bfl/flux-kontext-max"])
      assert.ok(ids.includes(id), id)
    for (const { object, created, owned_by } of models) {
      assert.equal(object, "model")
      assert.ok(Number.isInteger(created) && owned_by !== "")
    }
  })

  it("finds one by its name", async () => {
    assert.equal((await client.models.retrieve("openai/gpt-image-1")).id, "openai/gpt-image-1")
    assert.equal((await client.models.retrieve("gpt-image-1")).id, "openai/gpt-image-1")
    await refused(client.models.retrieve("openai/gpt-image-9"), OpenAI.NotFoundError, 404)
  })
})

describe("openai sdk: failures", () => {
  it("raises AuthenticationError for a key that is not one", async () => {
    const stranger = client.withOptions({ apiKey: "sk-nobody" })
    await refused(stranger.images.generate({ prompt: "x" }), OpenAI.AuthenticationError, 401)
    await refused(stranger.models.list(), OpenAI.AuthenticationError, 401)
  })

  it("raises BadRequestError for a size that is none, and says which there are", async () => {
    const size = "17x17" as "1024x1024"
    const error = await refused(client.images.generate({ model, prompt: "x", size }), OpenAI.BadRequestError, 400)
    for (const allowed of ["auto", "1024x1024", "1536x1024", "1024x1536"]) assert.ok(error.message.includes(allowed))
    assert.deepEqual([error.param, error.code, error.type], ["size", "invalid_request", "invalid_request_error"])
  })

  it("raises NotFoundError for an unknown model, and names the nearest", async () => {
    const wish = { model: "gpt-imag-1", prompt: "x" }
    const error = await refused(client.images.generate(wish), OpenAI.NotFoundError, 404)
    assert.match(error.message, /openai\/gpt-image-1/)
    assert.equal(error.param, "model")
  })

  it("raises BadRequestError for what the filter refuses", async () => {
    const wish = { model, prompt: "sandbox:moderation" }
    const error = await refused(client.images.generate(wish), OpenAI.BadRequestError, 400)
    assert.deepEqual([error.code, error.type], ["content_refused", "image_generation_user_error"])
  })

  it("raises InternalServerError where the vendor fails, and does not begin again by itself", async () => {
    const eager = client.withOptions({ maxRetries: 2 })
    const prompt = "sandbox:no-image sdk"
    const error = await refused(eager.images.generate({ model, prompt }), OpenAI.InternalServerError, 502)
    assert.equal(error.headers?.get("x-should-retry"), "false")
    assert.match((error.error as { generation_id: string }).generation_id, /^gen_/)
    assert.equal(callsAbout(prompt).length, 1, "the vendor may have billed the first call")
  })

  it("is tried again by the SDK where the vendor had no time, after as long as it asked for", async () => {
    const eager = client.withOptions({ maxRetries: 1 })
    const prompt = "sandbox:rate-limit sdk"
    const error = await refused(eager.images.generate({ model, prompt }), OpenAI.InternalServerError, 503)
    assert.equal(error.headers?.get("x-should-retry"), "true")
    assert.equal(error.headers.get("retry-after"), "1")
    assert.equal(callsAbout(prompt).length, 6, "three calls for each of the SDK's two")
  })
})
