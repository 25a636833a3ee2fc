// Where a picture comes from, and the marks that say so.
import { z } from "zod"
import { derivativeMarks } from "../../derivatives/derive.ts"
import { Manifest, readManifest } from "../../derivatives/manifest.ts"
import { findProvenance } from "../../generations/provenance.ts"
import type { Provenance } from "../../generations/provenance.ts"
import { digitalSourceUri } from "../../images/source.ts"
import { route } from "../../http/route.ts"
import { phrase } from "./errors.ts"

const Marks = z.array(
  z.enum(["c2pa", "xmp:trainedAlgorithmicMedia", "xmp:compositeWithTrainedAlgorithmicMedia", "aigc"]),
)

const ProvenanceAnswer = z.object({
  id: z.string(),
  source: z.enum(["generated", "uploaded"]),
  generation_id: z.string().nullable(),
  mode: z
    .enum(["live", "test"])
    .nullable()
    .meta({ description: "`test`: the sandbox drew it, in the place of the vendor." }),
  model: z.string().nullable(),
  vendor: z
    .object({ id: z.string(), title: z.string(), model: z.string().meta({ description: "The vendor's own name." }) })
    .nullable(),
  watermark: z
    .boolean()
    .nullable()
    .meta({ description: "Whether the vendor's watermark was asked for; null where the model has none to ask for." }),
  sha256: z.string(),
  bytes: z.int(),
  media_type: z.string(),
  width: z.int(),
  height: z.int(),
  created_at: z.iso.datetime(),
  digital_source_type: z
    .string()
    .nullable()
    .meta({
      description:
        "IPTC's code: trainedAlgorithmicMedia, compositeWithTrainedAlgorithmicMedia where the model was given pictures " +
        "to start from, null for an upload that says nothing of it.",
    }),
  marks_found: Marks.meta({
    description: "In the file that is kept: as the vendor made it, or as an upload was cleaned.",
  }),
  input_marks: z.array(z.string()).meta({
    description: "What uploads, or the pictures it was made from, came with before they were cleaned.",
  }),
  c2pa: Manifest.nullable().meta({
    description:
      "What the C2PA manifest in the file comes to: `valid` where signature and hashes hold, `trusted` where the signer " +
      "is on a list of trust as well, which this server has none of; `codes` says in C2PA's words what is wrong.",
  }),
  marks_added: Marks.meta({ description: "What a derivative (w, h, fit, format, quality) is given. A file is not." }),
})

export const getProvenance = route({
  method: "GET",
  path: "/v1/images/{id}/provenance",
  group: "Pictures",
  summary: "Read where a picture comes from",
  about: "Who made it with what, when, the SHA-256 of its bytes, and the marks of machine-made pictures in them.",
  access: "key",
  params: z.object({ id: z.string() }),
  answers: [{ status: 200, about: "What is known of it.", schema: ProvenanceAnswer }],
  failures: ["invalid_key", "not_found", "unavailable"],
  phrase,
  async handle({ app, caller, params, signal }) {
    const provenance = await findProvenance(app, caller.projectId, params.id)
    const { image, marks } = provenance
    const c2pa = marks.includes("c2pa") ? await readManifest(app, image, signal) : null
    return {
      status: 200,
      json: { ...writeProvenance(provenance), c2pa, marks_added: derivativeMarks(app, provenance) },
    }
  },
})

function writeProvenance({ image, making, source, marks }: Provenance) {
  const { id, sha256, bytes, mediaType, width, height, createdAt } = image
  return {
    ...{ id, source: making ? "generated" : "uploaded" },
    generation_id: making?.generationId ?? null,
    mode: making?.mode ?? null,
    model: making?.model ?? null,
    vendor: making?.vendor ?? null,
    watermark: making?.watermark ?? null,
    ...{ sha256, bytes, media_type: mediaType, width, height },
    created_at: new Date(createdAt).toISOString(),
    digital_source_type: source ? digitalSourceUri(source) : null,
    marks_found: marks,
    input_marks: image.inputMarks,
  }
}
