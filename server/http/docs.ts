// The description of the API, and a page to read and try it that loads nothing from elsewhere.
import { randomBytes } from "node:crypto"
import { fastify } from "fastify"
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import { describeApi } from "./openapi.ts"
import type { Route } from "./route.ts"

const favicon =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' " +
  "fill='%23e08a3c'/%3E%3Cpath d='M1 11q4-4 7 0t7 0v4H1z' fill='%23274060'/%3E%3C/svg%3E"

const nonce = randomBytes(16).toString("base64")

// Whatever the page's own library would like to load from elsewhere, the browser refuses.
const policy = [
  "default-src 'self'",
  `script-src 'self' 'nonce-${nonce}'`,
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ")

export function mountDocs(server: FastifyInstance, routes: Route[]): void {
  const description = JSON.stringify(describeApi(routes))
  server.get("/openapi.json", (_request, reply) => reply.type("application/json; charset=utf-8").send(description))
  let page: Promise<FastifyInstance> | undefined
  const show = (path: string) => async (_request: FastifyRequest, reply: FastifyReply) => {
    const { headers, rawPayload } = await (await (page ??= loadPage())).inject(path)
    reply.headers({ "content-security-policy": policy, "cache-control": "no-cache" })
    return reply.type(String(headers["content-type"])).send(rawPayload)
  }
  server.get("/docs", show("/docs/"))
  server.get("/docs/js/scalar.js", show("/docs/js/scalar.js"))
}

/** Loaded when somebody first looks: four megabytes of script that a server without readers need not hold. */
async function loadPage(): Promise<FastifyInstance> {
  const { default: reference } = await import("@scalar/fastify-api-reference")
  const page = fastify({ routerOptions: { ignoreTrailingSlash: true } })
  await page.register(reference, {
    routePrefix: "/docs",
    configuration: {
      url: "/openapi.json",
      cdn: "/docs/js/scalar.js",
      pageTitle: "Atelier API",
      favicon,
      hideModels: true,
      authentication: { preferredSecurityScheme: "bearer" },
      nonce,
      withDefaultFonts: false,
      telemetry: false,
      agent: { disabled: true },
      mcp: { disabled: true },
      hideClientButton: true,
      showDeveloperTools: "never",
    },
  })
  return page
}
