// The description of the whole API, written from the routes.
import { z } from "zod"
import { failures } from "../errors.ts"
import type { FailureCode } from "../errors.ts"
import type { Documented, Route } from "./route.ts"

type Json = Record<string, unknown>

const errorSchema = {
  type: "object",
  required: ["error"],
  properties: {
    error: {
      type: "object",
      required: ["message", "type", "code", "param", "request_id"],
      properties: {
        message: { type: "string" },
        type: { type: "string" },
        code: { type: "string", enum: Object.keys(failures) },
        param: { type: ["string", "null"] },
        request_id: { type: "string" },
        generation_id: { type: "string" },
        problems: {
          type: "array",
          items: { type: "object", properties: { param: { type: "string" }, message: { type: "string" } } },
        },
      },
    },
  },
}

/** OpenAPI 3.1. The same routes always give the same text. */
export function describeApi(routes: Route[]): Json {
  const paths: Record<string, Json> = {}
  for (const route of routes)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: describeRoute(route) }
  const keyHeaders = [...new Set(routes.flatMap(({ keyHeader = [] }) => keyHeader))]
  return {
    openapi: "3.1.0",
    info: {
      title: "Atelier",
      version: "0.1.0",
      description: "One server in front of every image model.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/" }],
    tags: [...new Set(routes.map(({ group }) => group))].map((name) => ({ name })),
    paths,
    components: {
      schemas: { Error: errorSchema },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "`Authorization: Key <key>` is taken as well." },
        key: { type: "apiKey", in: "header", name: "x-api-key" },
        ...Object.fromEntries(keyHeaders.map((name) => [name, { type: "apiKey", in: "header", name }])),
      },
    },
  }
}

function describeRoute(route: Route): Json {
  const parameters = [...describeValues("path", route.params), ...describeValues("query", route.query)]
  return {
    tags: [route.group],
    operationId: operationId(route),
    summary: route.summary,
    ...(route.about ? { description: route.about } : {}),
    security: securityOf(route),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body ? { requestBody: describeBody(route.body, route.takesForms ?? false) } : {}),
    ...(route.takesPicture ? { requestBody: pictureBody } : {}),
    responses: { ...Object.fromEntries(route.answers.map(describeAnswer)), ...describeFailures(route.failures) },
  }
}

const withKey = [{ bearer: [] }, { key: [] }]

function securityOf({ access, keyHeader }: Route): Json[] {
  if (access === "anyone") return []
  return [...withKey, ...(keyHeader ? [{ [keyHeader]: [] }] : []), ...(access === "key or link" ? [{}] : [])]
}

const operationId = ({ method, path }: Route): string =>
  [method.toLowerCase(), ...path.split(/[^A-Za-z0-9]+/).filter(Boolean)]
    .map((word, index) => (index === 0 ? word : word[0]!.toUpperCase() + word.slice(1)))
    .join("")

const jsonSchema = (schema: z.ZodType, io: "input" | "output"): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json
  return rest
}

function describeValues(where: "path" | "query", schema: z.ZodObject | undefined): Json[] {
  if (!schema) return []
  const { properties = {}, required = [] } = jsonSchema(schema, "input") as { properties?: Json; required?: string[] }
  return Object.entries(properties).map(([name, property]) => ({
    name,
    in: where,
    required: where === "path" || required.includes(name),
    schema: property,
  }))
}

function describeBody(body: z.ZodType, takesForms: boolean): Json {
  const schema = jsonSchema(body, "input")
  const forms = takesForms ? { "multipart/form-data": { schema } } : {}
  return { required: true, content: { "application/json": { schema }, ...forms } }
}

const pictureBody = {
  required: true,
  content: Object.fromEntries(["image/png", "image/jpeg", "image/webp"].map((type) => [type, {}])),
}

function describeAnswer({ status, about, schema, type }: Documented): [string, Json] {
  const content = { [type ?? "application/json"]: { schema: schema ? jsonSchema(schema, "output") : {} } }
  return [String(status), { description: about, ...(schema || type ? { content } : {}) }]
}

function describeFailures(codes: readonly FailureCode[]): Json {
  const byStatus = Map.groupBy(codes, (code) => failures[code].status)
  return Object.fromEntries(
    [...byStatus].map(([status, all]) => [
      String(status),
      {
        description: all.map((code) => `\`${code}\`: ${failures[code].message}`).join(" "),
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    ]),
  )
}
