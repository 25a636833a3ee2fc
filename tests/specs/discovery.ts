// Google describes its APIs in a format of its own: this turns such a document into the one the other vendors use.
import type { OpenApi } from "./openapi.ts"

type Node = { [name: string]: unknown }

type Discovery = { schemas: Record<string, Node>; resources: Record<string, Resource> }
type Resource = { methods?: Record<string, Method>; resources?: Record<string, Resource> }
type Method = { httpMethod: string; flatPath: string; request?: Node; response?: Node }

/** Objects take the fields that are described and no others, as Google itself refuses names it does not know. */
export function fromDiscovery({ schemas, resources }: Discovery): OpenApi {
  const all = Object.entries(schemas).map(([name, schema]) => [name, convert(schema)])
  return { paths: pathsOf(resources), components: { schemas: Object.fromEntries(all) as Node } }
}

const reference = (node: Node | undefined) => ({ "application/json": { schema: convert(node ?? {}) } })

function pathsOf(resources: Record<string, Resource>): Record<string, Node> {
  const paths: Record<string, Node> = {}
  for (const { methods = {}, resources: inner = {} } of Object.values(resources)) {
    for (const { httpMethod, flatPath, request, response } of Object.values(methods)) {
      const operation = {
        ...(request ? { requestBody: { content: reference(request) } } : {}),
        responses: { 200: { content: reference(response) } },
      }
      paths[`/${flatPath}`] = { ...paths[`/${flatPath}`], [httpMethod.toLowerCase()]: operation }
    }
    Object.assign(paths, pathsOf(inner))
  }
  return paths
}

function convert(node: Node): Node {
  const { $ref, type, properties, items, additionalProperties, enum: words } = node
  if (typeof $ref === "string") return { $ref: `#/components/schemas/${$ref}` }
  if (type === "any" || type === undefined) return {}
  if (type === "array") return { type, items: convert((items ?? {}) as Node) }
  if (type !== "object") return { type, ...(words ? { enum: words } : {}) }
  if (additionalProperties) return { type, additionalProperties: convert(additionalProperties as Node) }
  if (!properties) return { type }
  const fields = Object.entries(properties as Record<string, Node>).map(([name, field]) => [name, convert(field)])
  return { type, properties: Object.fromEntries(fields) as Node, additionalProperties: false }
}
