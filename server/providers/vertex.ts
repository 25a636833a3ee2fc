// Vertex AI, which Google now calls Gemini Enterprise Agent Platform. Reference: its discovery document of 2026-08-15.
import { defineProvider } from "./provider.ts"
import { googleModels } from "./wires/googleModels.ts"
import type { GoogleParameters } from "./wires/googleModels.ts"

export const vertex = defineProvider<GoogleParameters>({
  id: "vertex",
  title: "Google Vertex AI",
  notes: [
    "The address is that of express mode, which takes an API key.",
    "With a project: VERTEX_BASE_URL=https://aiplatform.googleapis.com/v1/projects/PROJECT/locations/global/publishers/google, " +
      "and as key an OAuth access token (ya29.…), which lasts an hour. Gemini models that draw are at `global`, Imagen is in regions.",
    "Whether Imagen is still served could not be verified: Google's SDK calls it until 2027, articles say it ended in August 2026.",
  ],
  // What comes after it is the same below a project's address.
  baseUrl: "https://aiplatform.googleapis.com/v1/publishers/google",
  authorize: (key) => (key.startsWith("ya29.") ? { authorization: `Bearer ${key}` } : { "x-goog-api-key": key }),
  ...googleModels,
})
