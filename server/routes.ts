// Every route of every dialect, in the order they are documented.
import { listCatalog } from "./dialects/aihubmix/catalog.ts"
import { getTask, predict1, predict2 } from "./dialects/aihubmix/predictions.ts"
import { generateContent, predict, streamGenerateContent } from "./dialects/gemini/models.ts"
import {
  ideogramBackground,
  ideogramEdit,
  ideogramGenerate,
  ideogramInpaint,
  ideogramOlder,
  ideogramReframe,
  ideogramRemix,
  ideogramTransparent,
} from "./dialects/ideogram/images.ts"
import {
  cancelOneGeneration,
  createGeneration,
  followGeneration,
  getGeneration,
  listAllGenerations,
} from "./dialects/native/generations.ts"
import { healthz, readyz } from "./dialects/native/health.ts"
import { getImage } from "./dialects/native/images.ts"
import { getModel, getModelByOneName, listModels } from "./dialects/native/models.ts"
import { createQuote } from "./dialects/native/quotes.ts"
import { editImages, generateImages } from "./dialects/openai/images.ts"
import type { Route } from "./http/route.ts"

export const allRoutes: Route[] = [
  createGeneration,
  listAllGenerations,
  getGeneration,
  cancelOneGeneration,
  followGeneration,
  getImage,
  listModels,
  getModel,
  getModelByOneName,
  createQuote,
  generateImages,
  editImages,
  predict2,
  predict1,
  getTask,
  listCatalog,
  generateContent,
  streamGenerateContent,
  predict,
  ideogramGenerate,
  ideogramTransparent,
  ideogramRemix,
  ideogramEdit,
  ideogramInpaint,
  ideogramReframe,
  ideogramBackground,
  ideogramOlder,
  healthz,
  readyz,
]
