// The Gemini API. Reference: https://generativelanguage.googleapis.com/$discovery/rest?version=v1beta of 2026-08-21
import { defineProvider } from "./provider.ts"
import { googleModels } from "./wires/googleModels.ts"
import type { GoogleParameters } from "./wires/googleModels.ts"

export const google = defineProvider<GoogleParameters>({
  id: "google",
  title: "Google Gemini API",
  probe: "/models?pageSize=1",
  notes: [
    "Imagen is no longer served here, only by Vertex AI.",
    "It cannot choose the kind of file, nor who may be shown: such requests go to Vertex AI where that has a key.",
  ],
  baseUrl: "https://generativelanguage.googleapis.com/v1beta",
  authorize: (key) => ({ "x-goog-api-key": key }),
  ...googleModels,
})
