// Derivatives of pictures: found where they were made before, else drawn, marked, signed where the operator gives a key,
// and kept. The original is never touched.
import { z } from "zod"
import type { App } from "../app.ts"
import type { Stored } from "../bodies/write.ts"
import type { DerivativeRow } from "../database/tables/images.ts"
import { sealPieces } from "../bodies/draft.ts"
import { blamesPicture } from "../children/child.ts"
import { fail, GatewayError } from "../errors.ts"
import type { Image } from "../images/images.ts"
import type { Mark } from "../images/marks.ts"
import { digitalSourceOf, marksOf } from "../images/source.ts"
import { storedBytes } from "../images/stored.ts"
import type { Sealed } from "../storage/storage.ts"
import type { Drawn } from "./drawing.ts"
import type { Signer } from "./signer.ts"
import { readWanted, sideMax, variantOf } from "./wanted.ts"
import type { DerivativeQuery, Wanted } from "./wanted.ts"
import { writeXmp } from "./xmp.ts"
import type { Saying } from "./xmp.ts"

type Needs = Pick<App, "database" | "storage" | "clock" | "workshop" | "signer">

/** Of one picture, for each key that it is signed with. */
const variantsMax = 64

export type Derivative = { sha256: string; bytes: number; mediaType: string; width: number; height: number }

/** The picture as the query wants it: the file itself, where it asks for nothing else. Throws as `findDerivative` does. */
export async function asWanted(
  app: Needs,
  image: Image,
  query: DerivativeQuery,
  over?: AbortSignal,
): Promise<Image | Derivative> {
  const wanted = readWanted(image, query)
  return wanted ? findDerivative(app, image, wanted, over) : image
}

/**
 * Throws `image_invalid` where the original cannot be decoded, `invalid_request` where it has too many derivatives
 * already, `unavailable` where too many are being made, or nobody waits for it any more.
 */
async function findDerivative(app: Needs, image: Image, wanted: Wanted, over?: AbortSignal): Promise<Derivative> {
  const name = { image_id: image.id, variant: variantOf(wanted), signer: app.signer?.fingerprint ?? "" }
  const found = await derivativeRow(app, name)
  if (found) return readDerivative(found)
  const work = async (unwanted: AbortSignal) => {
    await checkCount(app, name)
    const saying = await sayingOf(app, image)
    const { sealed, drawn } = await app.workshop.inTurn(() => make(app, image, wanted, saying), unwanted)
    await sealed.keep()
    const facts = { sha256: sealed.sha256, bytes: sealed.bytes, media_type: mediaTypeOf(wanted), ...drawn }
    return readDerivative(await keepRow(app, { ...name, ...facts, created_at: app.clock.now() }))
  }
  return app.workshop.once(Object.values(name).join(" "), work, over).catch((error: unknown) => {
    throw blamesPicture(error) ? fail("image_invalid", `The picture ${error.message}.`, error) : error
  })
}

const dayMs = 86_400_000

/** Another server may have been quicker: then its row stands. */
async function keepRow(app: Needs, row: DerivativeRow): Promise<DerivativeRow> {
  await app.database.transaction((tx) =>
    tx
      .insertInto("derivatives")
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  )
  const standing = (await derivativeRow(app, row)) ?? row
  // No two signed files are the same, so nothing else has these bytes. A day more, since clocks differ.
  if (row.signer !== "" && standing.sha256 !== row.sha256) await app.storage.remove(row.sha256, row.created_at + dayMs)
  return standing
}

type Name = Pick<DerivativeRow, "image_id" | "variant" | "signer">

const derivativeRow = ({ database }: Needs, { image_id, variant, signer }: Name): Promise<DerivativeRow | undefined> =>
  database.query
    .selectFrom("derivatives")
    .selectAll()
    .where("image_id", "=", image_id)
    .where("variant", "=", variant)
    .where("signer", "=", signer)
    .executeTakeFirst()

const readDerivative = ({ sha256, bytes, media_type, width, height }: DerivativeRow): Derivative => ({
  ...{ sha256, bytes, mediaType: media_type, width, height },
})

async function checkCount({ database }: Needs, { image_id, signer }: Name): Promise<void> {
  const { count } = await database.query
    .selectFrom("derivatives")
    .select((eb) => eb.fn.countAll<number>().as("count"))
    .where("image_id", "=", image_id)
    .where("signer", "=", signer)
    .executeTakeFirstOrThrow()
  if (Number(count) < variantsMax) return
  const detail = `This picture has ${variantsMax} sizes and formats already, which is all that it may have.`
  throw new GatewayError({ code: "invalid_request", detail })
}

async function sayingOf(app: Needs, image: Image): Promise<Saying> {
  const { marks, aigc } = await marksOf(app, image)
  return { source: await digitalSourceOf(app, image, marks), aigc }
}

/** The marks that a derivative of the picture is given, signed as the operator has it now. */
export function derivativeMarks({ signer }: Pick<App, "signer">, { source, aigc }: Saying): Mark[] {
  const [signed, made, label]: (Mark | undefined)[] = [
    signer && "c2pa",
    source && `xmp:${source}`,
    aigc === undefined ? undefined : "aigc",
  ]
  return [signed, made, label].filter((mark) => mark !== undefined)
}

const mediaTypeOf = ({ format }: Wanted): string => `image/${format}`

type Making = { sealed: Sealed; drawn: Drawn }

const DrawnSchema = z.object({ width: z.int().min(1).max(sideMax), height: z.int().min(1).max(sideMax) })

const SignedSchema = z.strictObject({})

function make(app: Needs, image: Image, wanted: Wanted, saying: Saying): Promise<Making> {
  const { signer, workshop, storage } = app
  const original = storedBytes(app, image.sha256, image.bytes)
  const keep = ({ read }: Stored) => sealPieces(storage.draft, read())
  return workshop.run({
    ...{ asked: { kind: "draw", wanted, xmp: writeXmp(saying) }, pictures: [original], told: DrawnSchema },
    async use(drawn, picture) {
      if (!signer) return { sealed: await keep(picture), drawn }
      const sealed = await workshop.run({
        ...{ asked: signingOrder(app, signer, image, { wanted, drawn }), pictures: [original, picture] },
        ...{ told: SignedSchema, use: (_, signed) => keep(signed) },
      })
      return { sealed, drawn }
    },
  })
}

type Made = { wanted: Wanted; drawn: Drawn }

/** By more than what rounding to whole pixels does. */
const isCut = (image: Image, { wanted, drawn }: Made): boolean =>
  wanted.fit === "cover" && Math.abs((drawn.width * image.height) / image.width - drawn.height) >= 1

function signingOrder(app: Needs, signer: Signer, image: Image, made: Made) {
  if (signer.until <= app.clock.now())
    throw new GatewayError(
      { code: "unavailable", detail: "Pictures cannot be signed now." },
      new Error("the certificate of ATELIER_C2PA_CERT has expired"),
    )
  const { algorithm, key, certificates } = signer
  const mediaType = mediaTypeOf(made.wanted)
  // Transcoding, in C2PA's words, includes another size.
  const actions = isCut(image, made) ? ["c2pa.cropped", "c2pa.transcoded"] : ["c2pa.transcoded"]
  const original = { mediaType: image.mediaType, title: image.id }
  return { kind: "sign" as const, mediaType, original, actions, signer: { algorithm, key, certificates } }
}
