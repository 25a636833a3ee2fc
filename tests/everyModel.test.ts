// Every model by every one of its routes, through the whole server against the imitated vendors. Nothing is named by hand.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { allModels } from "../server/catalogue/catalogue.ts"
import type { Model } from "../server/catalogue/model.ts"
import { keyNameOf, baseUrlNameOf } from "../server/config.ts"
import { allProviders } from "../server/providers/all.ts"
import type { Provider } from "../server/providers/provider.ts"
import { call, download, kindOf, plainPng } from "./calls.ts"
import type { Generation } from "./calls.ts"
import { composeServer, sandboxCalls } from "./harness.ts"
import type { InProcess } from "./harness.ts"

/** With this vendor's key alone, a test key goes to its imitation. */
const serverFor = ({ id, baseUrl, ownAddress }: Provider): Promise<InProcess> =>
  composeServer({ [keyNameOf(id)]: "any", ...(ownAddress ? { [baseUrlNameOf(id)]: baseUrl } : {}) })

async function leastOf(model: Model) {
  const picture = (await plainPng({ width: 512, height: 512 })).toString("base64")
  const images = Array.from({ length: model.imagesMin }, () => picture)
  return { prompt: `a harbour, ${model.id}`, ...(images.length > 0 ? { image: images } : {}) }
}

/** The smallest there is, where the model has a choice: drawing is what these tests spend their time on. */
function small(model: Model): Record<string, unknown> {
  const { quality } = model.parameters.shape
  return quality?.safeParse("low").success ? { quality: "low" } : {}
}

for (const provider of allProviders) {
  const models = allModels.filter(({ routes }) => routes.some((route) => route.provider === provider.id))
  if (models.length === 0) continue
  describe(`${provider.title}, asked through the whole server`, () => {
    it(`makes a picture with each of its ${models.length} models`, async () => {
      const server = await serverFor(provider)
      try {
        const drawOne = async (model: Model) => {
          const input = { ...(await leastOf(model)), ...small(model) }
          const { status, body } = await call<Generation>(server, "/v1/generations", {
            json: { model: model.id, input, wait: 60 },
          })
          assert.equal(status, 200, `${model.id}: ${JSON.stringify(body)}`)
          assert.equal(body.status, "succeeded", `${model.id}: ${JSON.stringify(body.error)}`)
          assert.ok(body.images.length >= 1)
          for (const { url, media_type } of body.images)
            assert.equal(`image/${kindOf(await download(url))}`, media_type, model.id)
        }
        await Promise.all(models.map(drawOne))
        const vendors = new Set(sandboxCalls(server).map(({ vendor }) => vendor))
        assert.deepEqual([...vendors], [provider.id])
      } finally {
        await server.end()
      }
    })

    it("says why where its filter refuses, where it is busy, and where it answers nonsense", async () => {
      const server = await serverFor(provider)
      const endings = {
        "sandbox:moderation": "content_refused",
        "sandbox:moderation-output": "content_refused",
        "sandbox:no-credit": "provider_unavailable",
        "sandbox:no-image": "provider_error",
        "sandbox:html": "provider_error",
        "sandbox:bad-base64": "provider_error",
      }
      try {
        const [model] = models
        const meet = async ([word, code]: [string, string]) => {
          const input = { ...(await leastOf(model!)), ...small(model!), prompt: `${word} on a hill` }
          const { body } = await call<Generation>(server, "/v1/generations", {
            json: { model: model!.id, input, wait: 60 },
          })
          assert.deepEqual([body.status, body.error?.code], ["failed", code], `${word}: ${JSON.stringify(body.error)}`)
          assert.deepEqual(body.images, [])
        }
        await Promise.all(Object.entries(endings).map(meet))
      } finally {
        await server.end()
      }
    })
  })
}
