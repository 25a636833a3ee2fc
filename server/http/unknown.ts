// What is said of a path or a method that no route takes.
import type { FastifyRequest } from "fastify"
import { GatewayError } from "../errors.ts"
import type { Route } from "./route.ts"

const pathOf = (request: FastifyRequest): string => (request.url.split("?")[0] ?? "").replace(/(?<=.)\/+$/, "")

/** The methods that the path takes; none where it is no route's, or where the method is right and the rest is not. */
export function methodsAt(routes: Route[], request: FastifyRequest): string[] {
  const methods = routes.filter(({ path }) => patternOf(path).test(pathOf(request))).map(({ method }) => method)
  return methods.includes(request.method as Route["method"]) ? [] : [...new Set(methods)]
}

export function unknownPath(methods: string[], request: FastifyRequest): GatewayError {
  const name = `${request.method} ${pathOf(request).slice(0, 200)}`
  if (methods.length === 0)
    return new GatewayError({ code: "not_found", detail: `There is no ${name}. GET /docs shows what there is.` })
  return new GatewayError({
    code: "method_not_allowed",
    detail: `There is no ${name}; it takes ${methods.join(", ")}.`,
  })
}

const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}$`)
