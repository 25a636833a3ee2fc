// Pictures by name: with the key of their project, or by a signed link for as long as it lasts.
import { z } from "zod"
import { asWanted } from "../../derivatives/derive.ts"
import { derivativeQuery } from "../../derivatives/wanted.ts"
import { GatewayError } from "../../errors.ts"
import { findImage, findLinkedImage } from "../../images/images.ts"
import { checkLink } from "../../images/links.ts"
import { route } from "../../http/route.ts"
import { phrase } from "./errors.ts"

const missing = () => new GatewayError({ code: "not_found", detail: "There is no such picture." })

export const getImage = route({
  method: "GET",
  path: "/v1/images/{id}",
  group: "Pictures",
  summary: "Download a picture",
  about:
    "With the project's key, or by a signed link from an answer. Takes Range, If-None-Match and HEAD. The bytes are " +
    "those of the vendor, unchanged; with w, h, fit, format or quality, those of a new file that is made of them.",
  access: "key or link",
  params: z.object({ id: z.string() }),
  query: z.object({ expires: z.string().optional(), signature: z.string().optional(), ...derivativeQuery }),
  answers: [
    { status: 200, about: "The picture.", type: "image/*" },
    { status: 206, about: "The part of it that was asked for.", type: "image/*" },
    { status: 304, about: "The caller's copy is still good." },
  ],
  failures: ["invalid_request", "invalid_key", "not_found", "image_invalid", "unavailable"],
  phrase,
  async handle({ app, caller, params, query, signal }) {
    if (query.signature === undefined) {
      const image = await findImage(app, caller.projectId, params.id)
      if (!image) throw missing()
      // A copy may be kept, but is shown again only to who still has a key.
      return { status: 200, image: await asWanted(app, image, query, signal), cache: "private, no-cache" }
    }
    const link = checkLink(app, params.id, query)
    if (link === "expired") throw new GatewayError({ code: "not_found", detail: "This link has expired." })
    const image = link === "valid" ? await findLinkedImage(app, params.id) : undefined
    if (!image) throw missing()
    const secondsLeft = Number(query.expires) - Math.floor(app.clock.now() / 1000)
    return { status: 200, image: await asWanted(app, image, query, signal), cache: `private, max-age=${secondsLeft}` }
  },
})
