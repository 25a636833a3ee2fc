// What the Gemini API and Vertex AI have in common: everything but the address and the key. What only Vertex AI takes is
// kept away from the Gemini API by the routes of the models.
import type { Outcome, Provider, ProviderRequest, VendorInput } from "../provider.ts"
import { isContent, readContent } from "./geminiAnswer.ts"
import { writeContent } from "./geminiContent.ts"
import type { GeminiParameters } from "./geminiContent.ts"
import { readFailure } from "./googleFailures.ts"
import { readPredictions, writePredict } from "./imagenPredict.ts"
import type { ImagenParameters } from "./imagenPredict.ts"

export type GoogleParameters = GeminiParameters & ImagenParameters

const isImagen = (model: string): boolean => model.startsWith("imagen-")

const writeRequest = (model: string, input: VendorInput<GoogleParameters>): ProviderRequest =>
  isImagen(model) ? writePredict(model, input) : writeContent(model, input)

const readResponse = (body: unknown): Outcome =>
  typeof body === "object" && body !== null && isContent(body) ? readContent(body) : readPredictions(body)

export const googleModels = {
  linkHosts: [],
  // A signature of thoughts, which nobody here needs, can be megabytes of base64: read as a picture that is not wanted, it
  // takes up no memory.
  pictureKeys: ["data", "bytesBase64Encoded", "thoughtSignature"],
  limits: {
    // Google's pages contradict each other on Ultra: one says 1, another 4.
    imagesPerCall: (model: string) => (isImagen(model) && !model.includes("-ultra-") ? 4 : 1),
    references: 14,
    deadlineMs: 600_000,
  },
  writeRequest,
  readResponse,
  readFailure,
} satisfies Partial<Provider<GoogleParameters>>
