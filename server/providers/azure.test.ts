import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, it } from "node:test"
import { readConfig } from "../config.ts"
import { azure } from "./azure.ts"
import { describeProvider, inputFor, requestFor } from "./provider.contract.ts"
import type { Recordings } from "./provider.contract.ts"
import { callWith, respond } from "./run.contract.ts"

const recordings = JSON.parse(readFileSync(join(import.meta.dirname, "recordings/azure.json"), "utf8")) as Recordings

describeProvider(azure, recordings)

describe("Microsoft Azure", () => {
  const request = requestFor(azure, "flux-2-pro", { prompt: "a kite" })

  it("makes one picture a call", () => {
    for (const { model, given } of recordings.requests) {
      const { vendorModel, input } = inputFor(azure, model, given)
      assert.equal(azure.limits.imagesPerCall(vendorModel, input), 1)
    }
  })

  it("is sent no field that it ignores or does not document", () => {
    const documented =
      /^(model|prompt|width|height|num_images|aspect_ratio|input_image(_\d+)?|seed|safety_tolerance|output_format|guidance|steps)$/
    for (const { model, given } of recordings.requests)
      for (const [name, value] of Object.entries(requestFor(azure, model, given).json as object))
        if (value !== undefined) assert.match(name, documented)
  })

  it("is called at the operator's resource, with or without a slash at its end", async () => {
    const resource = "https://ours.services.ai.azure.com"
    for (const address of [resource, `${resource}/`, "https://OURS.services.ai.azure.com:443"]) {
      const { vendors } = readConfig({ AZURE_API_KEY: "k", AZURE_BASE_URL: address }, [azure])
      assert.equal(vendors["azure"]?.baseUrl, resource)
    }
    const { sent } = await callWith(azure, respond({}), { request, baseUrl: resource })
    assert.equal(sent[0]?.url, `${resource}/providers/blackforestlabs/v1/flux-2-pro?api-version=preview`)
  })

  it("cannot be used without an address", () => {
    assert.throws(() => readConfig({ AZURE_API_KEY: "k" }, [azure]), /AZURE_BASE_URL must be set together with/)
  })

  it("is waited for as long as it asks for", async () => {
    const body = { error: { code: "429", message: "Too many requests" } }
    for (const headers of [{ "retry-after": "7" }, { "retry-after-ms": "7000" }] as Record<string, string>[]) {
      const { answered } = await callWith(azure, respond(body, { status: 429, headers }), { request })
      const failure = { code: "provider_busy", untouched: true, retryAfterSeconds: 7 }
      assert.deepEqual(answered.outcome, { state: "failed", failure })
    }
  })
})
