// How parameters are read: honoured, mapped or refused, for all models that take them.
import assert from "node:assert/strict"
import { describe, it } from "node:test"
import fc from "fast-check"
import { z } from "zod"
import { GatewayError } from "../errors.ts"
import type { Problem } from "../errors.ts"
import { allModels } from "./catalogue.ts"
import type { Model } from "./model.ts"
import { readInput } from "./read.ts"

const prompt = "a boat"
const pictures = (count: number) => Array.from({ length: count }, (_, index) => `https://example.com/${index}.png`)
/** The least that the model can be asked. */
const leastOf = ({ imagesMin }: Model): Record<string, unknown> =>
  imagesMin > 0 ? { prompt, image: pictures(imagesMin) } : { prompt }
const fieldsOf = (model: Model): string[] => Object.keys(model.parameters.shape)
const having = (...fields: string[]): Model[] => {
  const found = allModels.filter((model) => fields.every((field) => fieldsOf(model).includes(field)))
  assert.ok(found.length > 0, `no model takes ${fields.join()}`)
  return found
}

function problemsOf(model: Model, given: Record<string, unknown>, at?: string): Problem[] {
  try {
    readInput(model, given, at)
  } catch (error) {
    assert.ok(error instanceof GatewayError, String(error))
    const { code, problems = [], detail } = error.failure
    assert.equal(code, "invalid_request")
    assert.ok(problems.length > 0)
    assert.equal(detail, problems.map(({ message }) => message).join("; "))
    return problems
  }
  return []
}

const paramsOf = (problems: Problem[]): string[] => problems.map(({ param }) => param)

/** What comes of it, whether taken or refused. */
const outcomeOf = (model: Model, given: Record<string, unknown>) => {
  const problems = problemsOf(model, given)
  return problems.length > 0 ? { problems } : readInput(model, given)
}

type Field = {
  type?: string
  default?: unknown
  const?: unknown
  enum?: unknown[]
  minimum?: number
  maximum?: number
  maxLength?: number
  pattern?: string
}

const schemaOf = (model: Model) =>
  (z.toJSONSchema(model.parameters, { io: "input" }) as { properties: Record<string, Field> }).properties

describe("nonsense", () => {
  it("is refused with every wrong field named at once, those nobody knows too", () => {
    for (const model of allModels) {
      const given = Object.fromEntries(fieldsOf(model).map((field) => [field, { non: "sense" }]))
      const params = paramsOf(problemsOf(model, { ...given, colour: 1, weight: 2 }))
      assert.deepEqual(params.sort(), [...fieldsOf(model), "colour", "weight"].sort())
    }
  })

  it("is refused with what would be allowed", () => {
    for (const model of allModels) {
      for (const [name, field] of Object.entries(schemaOf(model))) {
        const message = (value: unknown) => {
          // What it breaks together with other fields comes after it.
          const [problem] = problemsOf(model, { prompt, [name]: value })
          assert.equal(problem?.param, name)
          assert.ok(problem!.message.startsWith(`${name} `))
          return problem!.message
        }
        const says = (value: unknown, ...parts: unknown[]) => {
          for (const part of parts) assert.ok(message(value).includes(String(part)), `${message(value)}: ${part}`)
        }
        if (field.enum) says("nonsense", ...field.enum.map((value) => JSON.stringify(value)))
        if (field.pattern !== undefined) says("nonsense", field.pattern)
        if (field.type === "integer") says("1", "number")
        if (field.type === "integer") says(1.5, "whole number")
        if (field.type === "string") says(1, field.enum ? "must be" : "string")
        if (field.minimum !== undefined) says(field.minimum - 16, "at least", field.minimum)
        if (field.maximum !== undefined) says(field.maximum + 16, "at most", field.maximum)
        if (field.maxLength !== undefined) says("x".repeat(field.maxLength + 1), "at most", field.maxLength)
      }
    }
  })

  it("is refused with the nearest name for a typo", () => {
    for (const model of allModels) {
      for (const field of fieldsOf(model).filter((name) => name.length > 3)) {
        const typos = [field.slice(0, 2) + field.slice(3), `${field}s`, field.slice(0, -1), field.replace(/.$/, "x")]
        for (const typo of typos.filter((name) => !fieldsOf(model).includes(name) && name !== "images")) {
          const [problem] = problemsOf(model, { prompt, [typo]: 1 })
          assert.equal(problem?.message, `${model.id} has no parameter ${typo}; did you mean ${field}?`)
        }
      }
    }
  })

  it("is refused with every name there is where none is near", () => {
    for (const model of allModels) {
      const names = ["zzzzzzzzzzzz", "orientation", "resolution", "__proto__", "constructor", "toString"]
      for (const name of names.filter((one) => !Object.hasOwn(model.synonyms, one))) {
        const given = JSON.parse(
          JSON.stringify(leastOf(model)).replace("}", `,${JSON.stringify(name)}:{"prompt":"x"}}`),
        )
        const [problem, ...more] = problemsOf(model, given)
        assert.deepEqual([problem?.param, more], [name, []])
        assert.ok(problem!.message.startsWith(`${model.id} has no parameter ${name}; `))
        assert.ok(!problem!.message.includes("did you mean n?"), problem!.message)
      }
      const [problem] = problemsOf(model, { ...leastOf(model), zzzzzzzzzzzz: 1 })
      assert.ok(problem!.message.endsWith(`it takes ${fieldsOf(model).join(", ")}`))
    }
  })

  it("is named by where it stands in the request", () => {
    for (const model of allModels) {
      const { image } = leastOf(model)
      const params = paramsOf(problemsOf(model, { image, colour: 1 }, "input."))
      assert.deepEqual(params.sort(), ["input.colour", "input.prompt"])
    }
  })

  it("is a prompt that is missing, empty or nothing", () => {
    for (const model of allModels) {
      const { image } = leastOf(model)
      assert.deepEqual(problemsOf(model, { image }), [{ param: "prompt", message: "prompt is missing" }])
      assert.deepEqual(problemsOf(model, { image, prompt: null }), [{ param: "prompt", message: "prompt is missing" }])
      assert.deepEqual(paramsOf(problemsOf(model, { image, prompt: "" })), ["prompt"])
    }
  })
})

describe("another name", () => {
  const names: Record<string, string[]> = {
    n: ["numberOfImages", "num_images"],
    image: ["images", "input_image", "refer_image", "image_url", "image_urls"],
    aspect_ratio: ["aspectRatio"],
    output_format: ["outputFormat"],
  }
  const values: Record<string, unknown> = { n: 2, image: ["a"], aspect_ratio: "1:1", output_format: "webp" }
  /** One that the model takes, and does not go by anyway if it has the choice. */
  const valueOf = (model: Model, field: string): unknown => {
    const { enum: words, const: only, default: own } = schemaOf(model)[field]!
    return words?.find((word) => word !== own) ?? words?.[0] ?? only ?? values[field]
  }

  /** What the model needs besides. */
  const restOf = (model: Model, field: string) => {
    const { image, ...rest } = leastOf(model)
    return field === "image" || image === undefined ? rest : { ...rest, image }
  }

  for (const [field, others] of Object.entries(names)) {
    it(`of ${field} means the same`, () => {
      for (const model of having(field)) {
        for (const other of others) {
          const [own, same] = [
            { ...restOf(model, field), [field]: valueOf(model, field) },
            { ...restOf(model, field), [other]: valueOf(model, field) },
          ]
          assert.deepEqual(readInput(model, same), readInput(model, own))
          if (schemaOf(model)[field]?.default === valueOf(model, field)) continue
          if (field === "image" && model.imagesMin > 0) continue
          assert.notDeepEqual(readInput(model, own), readInput(model, leastOf(model)))
        }
      }
    })

    it(`of ${field} is refused beside it, or beside one more`, () => {
      for (const model of having(field)) {
        for (const [first, second] of [[field, others[0]], [others.at(-1), field], ...(others[1] ? [others] : [])]) {
          const problems = problemsOf(model, {
            ...restOf(model, field),
            [first!]: valueOf(model, field),
            [second!]: valueOf(model, field),
          })
          const message = `${second} and another name of ${field} are both given`
          assert.deepEqual(problems, [{ param: second, message }])
        }
      }
    })

    it(`of ${field} does not matter where it says nothing`, () => {
      for (const model of having(field)) {
        const own = { ...restOf(model, field), [field]: valueOf(model, field) }
        for (const other of others) assert.deepEqual(readInput(model, { ...own, [other]: null }), readInput(model, own))
      }
    })

    it(`of ${field} is refused by its own name where the model has no such thing`, () => {
      for (const model of allModels.filter((one) => !fieldsOf(one).includes(field)))
        for (const other of others)
          assert.deepEqual(paramsOf(problemsOf(model, { ...leastOf(model), [other]: "x" })), [other])
    })
  }
})

describe("another spelling", () => {
  const spellings: [string, string, string[]][] = [
    ["size", "512x1024", ["512*1024", "512×1024", "512X1024", "512 * 1024"]],
    ["size", "1024x1024", ["1024*1024", "1024×1024"]],
    ["size", "1K", ["1k"]],
    ["size", "2K", ["2k"]],
    ["aspect_ratio", "2:1", ["2x1", "2X1", "2/1", "2 x 1"]],
    ["output_format", "jpeg", ["jpg"]],
  ]
  for (const [field, plain, others] of spellings) {
    it(`${others.join(", ")} comes to the same as ${plain}, whether a model takes it or not`, () => {
      let taken = 0
      for (const model of having(field)) {
        const expected = outcomeOf(model, { prompt, [field]: plain })
        if ("input" in expected) taken += expected.input[field] === plain ? 1 : assert.fail(String(expected.input))
        for (const other of others) assert.deepEqual(outcomeOf(model, { prompt, [field]: other }), expected)
      }
      assert.ok(taken > 0, "no model takes it")
    })
  }
})

describe("what says nothing", () => {
  it("is null, for every parameter but the prompt", () => {
    for (const model of allModels)
      for (const field of fieldsOf(model).filter((name) => !(name in leastOf(model))))
        assert.deepEqual(
          readInput(model, { ...leastOf(model), [field]: null }),
          readInput(model, leastOf(model)),
          field,
        )
  })

  it("is an empty picture or list of them", () => {
    for (const model of having("image").filter(({ imagesMin }) => imagesMin === 0)) {
      for (const nothing of ["", [], [""], ["", ""]]) {
        for (const name of ["image", "images", "refer_image"])
          assert.deepEqual(readInput(model, { prompt, [name]: nothing }), readInput(model, { prompt }))
      }
      assert.deepEqual(readInput(model, { prompt, image: ["", "a", ""] }).images, ["a"])
    }
    for (const model of having("mask"))
      assert.deepEqual(readInput(model, { ...leastOf(model), mask: "" }), readInput(model, leastOf(model)))
  })
})

describe("reading", () => {
  it("gives the same for the same, and leaves what was given as it was", () => {
    for (const model of allModels) {
      const given = Object.freeze({ ...leastOf(model), numberOfImages: 2, unknown: undefined })
      assert.deepEqual(readInput(model, given), readInput(model, given))
    }
  })

  it("takes or refuses whatever JSON comes, and never fails otherwise", () => {
    const known = [...new Set(allModels.flatMap(fieldsOf)), "images", "num_images", "aspectRatio", "__proto__"]
    const words = ["1K", "auto", "1:1", "512*1024", "high", "png", "transparent"]
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom(...words), fc.integer(), fc.array(fc.string()))
    const entries = fc.array(fc.tuple(fc.oneof(fc.constantFrom(...known), fc.string()), value), { maxLength: 8 })
    const given = entries.map((all) =>
      JSON.parse(`{${all.map((entry) => entry.map((x) => JSON.stringify(x)).join(":")).join()}}`),
    )
    const property = fc.property(
      given,
      fc.constantFrom(...allModels),
      fc.boolean(),
      (parameters, model, withPrompt) => {
        const all = withPrompt ? { ...parameters, prompt } : parameters
        const before = JSON.stringify(all)
        assert.deepEqual(outcomeOf(model, all), outcomeOf(model, all))
        assert.equal(JSON.stringify(all), before)
      },
    )
    fc.assert(property, { numRuns: 2000 })
  })
})
