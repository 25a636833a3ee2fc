// Every model there is, held to what a row promises. No model is named by hand, so a new row is tested as it comes.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import { z } from "zod"
import { allProviders } from "../providers/all.ts"
import { allModels, createCatalogue } from "./catalogue.ts"
import { lastDayOf } from "./lifecycle.ts"
import type { Model } from "./model.ts"
import { quote } from "./price.ts"
import { readInput } from "./read.ts"

type Field = { title?: string; description?: string; default?: unknown; enum?: unknown[]; anyOf?: Field[] }
type Schema = { type?: string; required?: string[]; additionalProperties?: unknown; properties: Record<string, Field> }

const schemaOf = (model: Model) => z.toJSONSchema(model.parameters, { io: "input" }) as unknown as Schema
const catalogue = createCatalogue(allModels)

/** The least that the model can be asked. */
const leastOf = ({ imagesMin }: Model): Record<string, unknown> =>
  imagesMin === 0
    ? { prompt: "a boat" }
    : { prompt: "a boat", image: Array.from({ length: imagesMin }, (_, index) => `https://example.com/${index}.png`) }

const shortName = ({ id }: Model): string => id.slice(id.indexOf("/") + 1)

for (const model of allModels) {
  describe(`model ${model.id}`, () => {
    it("describes its parameters as JSON Schema, each with a title and a description", () => {
      const { type, required, additionalProperties, properties } = schemaOf(model)
      assert.equal(type, "object")
      assert.equal(additionalProperties, false)
      // A picture is needed by a rule, not by the schema, so that the message can say what for.
      for (const name of required ?? []) assert.equal(name, "prompt")
      assert.deepEqual(Object.keys(properties), Object.keys(model.parameters.shape))
      for (const [name, { title = "", description = "" }] of Object.entries(properties)) {
        assert.match(title, /^[A-Z].{1,39}$/, `${name} has no title`)
        assert.match(description, /^\S.*\.$/, `${name} has no description`)
      }
    })

    it("says by which defaults it goes, and goes by them", () => {
      const { input } = readInput(model, leastOf(model))
      for (const [name, field] of Object.entries(schemaOf(model).properties))
        if (name !== "prompt") assert.deepEqual(input[name], field.default, name)
    })

    it("takes a prompt alone, and the pictures it cannot do without", () => {
      const { input, images, mask } = readInput(model, leastOf(model))
      assert.equal(input.prompt, "a boat")
      assert.equal(input.n, 1)
      assert.deepEqual([images.length, mask], [model.imagesMin, undefined])
      if (model.imagesMin === 0) return
      assert.throws(() => readInput(model, { prompt: "a boat" }), /image/)
    })

    it("has a price, which grows with the number of pictures and never falls with what it starts from", () => {
      const { input } = readInput(model, leastOf(model))
      const given = { input, images: model.imagesMin, mask: false }
      const one = quote(model, given) ?? assert.fail("no price")
      assert.ok(Number.isSafeInteger(one.micros) && one.micros > 0)
      assert.equal(one.micros, one.pictures * one.microsPerPicture)
      const started = quote(model, { ...given, images: model.imagesMax })!
      assert.ok(started.microsPerPicture >= one.microsPerPicture)
      if (!model.parameters.shape["n"]) return
      const two = quote(model, { ...given, input: { ...input, n: 2 } })!
      assert.ok(two.pictures === 2 * one.pictures || one.pictures > 1)
    })

    it("names a successor that there is, and days that are days, where its end is known", () => {
      const { deprecated, retires, successor, routes } = model
      for (const day of [deprecated, retires, ...routes.map((route) => route.retires)])
        if (day !== undefined) assert.equal(new Date(day).toISOString().slice(0, 10), day)
      if (successor !== undefined) assert.equal(catalogue.find(successor)?.id, successor)
      if (lastDayOf(model) !== undefined) assert.ok(successor, "whoever has to leave wants to know where to")
    })

    it("takes what it has read as it is", () => {
      const { image } = leastOf(model)
      const { input } = readInput(model, leastOf(model))
      assert.deepEqual(readInput(model, { ...input, image }).input, input)
    })

    it("takes as many pictures as it says, and no more", () => {
      const pictures = Array.from({ length: model.imagesMax }, (_, index) => `https://example.com/${index}.png`)
      assert.equal("image" in model.parameters.shape, model.imagesMax > 0)
      if (model.imagesMax === 0) return
      assert.deepEqual(readInput(model, { prompt: "a boat", image: pictures }).images, pictures)
      assert.deepEqual(readInput(model, { prompt: "a boat", image: pictures[0] }).images, pictures.slice(0, 1))
      assert.throws(() => readInput(model, { prompt: "a boat", image: [...pictures, "x"] }), {
        failure: {
          code: "invalid_request",
          detail: `image must be a list of at most ${model.imagesMax}`,
          problems: [{ param: "image", message: `image must be a list of at most ${model.imagesMax}` }],
        },
      })
    })

    it("is served by vendors that there are, who take as many pictures", () => {
      assert.ok(model.routes.length > 0)
      for (const route of model.routes) {
        const provider = allProviders.find(({ id }) => id === route.provider) ?? assert.fail(route.provider)
        assert.ok(provider.limits.references >= model.imagesMin)
        assert.match(route.model, /^[\w.-]+(?:\/[\w.-]+)?$/, "it becomes part of a path")
      }
      const references = model.routes.map(
        (route) => allProviders.find(({ id }) => id === route.provider)!.limits.references,
      )
      assert.ok(Math.max(...references) >= model.imagesMax)
    })

    it("has a title, a description and a day it came out", () => {
      assert.match(model.id, /^[a-z0-9]+\/[A-Za-z0-9][A-Za-z0-9.-]*$/)
      assert.match(model.title, /^\S.*\S$/)
      assert.match(model.description, /^[A-Z].*\.$/)
      const released = new Date(model.released * 1000)
      assert.ok(released > new Date("2022-01-01") && released < new Date(), String(released))
    })

    it("knows its other names of parameters by parameters that it has", () => {
      for (const param of Object.values(model.synonyms)) assert.ok(param in model.parameters.shape, param)
    })

    it("is found by each of its names, in any case, with its family and without", () => {
      const [family] = model.id.split("/")
      const short = [shortName(model), ...model.names]
      for (const name of [...short, ...short.map((name) => `${family}/${name}`)]) {
        const spellings = [name, name.toUpperCase(), name.toLowerCase(), `  ${name}\n`]
        for (const spelling of spellings) assert.equal(catalogue.find(spelling), model, spelling)
      }
    })

    it("is the nearest name to its own with a letter left out, doubled or changed", () => {
      for (const name of [model.id, shortName(model)]) {
        const at = name.length >> 1
        const typos = [
          name.slice(0, at) + name.slice(at + 1),
          name.slice(0, at) + name.charAt(at) + name.slice(at),
          `${name.slice(0, at)}_${name.slice(at + 1)}`,
          `x${name}`,
        ]
        for (const typo of typos) {
          assert.equal(catalogue.find(typo), undefined)
          const near = catalogue.nearest(typo)
          assert.ok(near.includes(model.id), `${typo}: ${near.join()}`)
          assert.ok(near.length <= 3 && new Set(near).size === near.length)
        }
      }
    })
  })
}

describe("the catalogue", () => {
  it("has no name twice", () => {
    const names = allModels.flatMap((model) => [model.id, shortName(model), ...model.names])
    const same = names.map((name) => name.toLowerCase())
    assert.deepEqual(
      same.filter((name, index) => same.indexOf(name) !== index),
      [],
    )
  })

  it("reads the older spelling of OpenAI", () => {
    const ours = allModels.filter(({ id }) => id.startsWith("openai/"))
    assert.ok(ours.length > 0)
    for (const model of ours) {
      assert.equal(catalogue.find(model.id.replace("openai/", "opanai/")), model)
      assert.equal(catalogue.find(model.id.replace("openai/", "OPANAI/")), model)
      assert.ok(catalogue.nearest(`${model.id.replace("openai/", "opanai/")}x`).includes(model.id))
    }
  })

  it("does not find a model under another family, nor half of a name", () => {
    for (const { id } of allModels) {
      for (const wrong of [`nobody/${id}`, `nobody/${id.split("/")[1]}`, id.slice(0, -1), id.replace("/", "//")])
        assert.equal(catalogue.find(wrong), undefined, wrong)
    }
  })

  it("finds nothing, and nothing near, for what is no name at all", () => {
    const longest = "a".repeat(100_000)
    for (const wrong of [
      "",
      "/",
      "//",
      " ",
      "__proto__",
      "__proto__/x",
      "constructor/x",
      "seventeen bananas",
      longest,
    ]) {
      assert.equal(catalogue.find(wrong), undefined)
      assert.ok(catalogue.nearest(wrong).length <= 3)
    }
    assert.deepEqual(catalogue.nearest("seventeen bananas"), [])
    assert.deepEqual(catalogue.nearest(longest), [])
  })
})
