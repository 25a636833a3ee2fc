// OpenAI. Reference: https://platform.openai.com/docs/api-reference/images
import { defineProvider } from "./provider.ts"
import { openaiImages } from "./wires/openaiImages.ts"
import type { OpenAiParameters } from "./wires/openaiImages.ts"

export const openai = defineProvider<OpenAiParameters>({
  id: "openai",
  title: "OpenAI",
  baseUrl: "https://api.openai.com/v1",
  ...openaiImages,
})
