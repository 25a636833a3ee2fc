// OpenAI. Reference: https://platform.openai.com/docs/api-reference/images
import { defineProvider } from "./provider.ts"
import { openaiImages } from "./wires/openaiImages.ts"
import type { OpenAiParameters } from "./wires/openaiImages.ts"

export const openai = defineProvider<OpenAiParameters>({
  id: "openai",
  title: "OpenAI",
  probe: "/models",
  notes: [
    "GPT Image needs an organization that OpenAI has verified; until then it answers 403.",
    "It bills tokens, so that quotes are upper bounds.",
  ],
  baseUrl: "https://api.openai.com/v1",
  ...openaiImages,
})
