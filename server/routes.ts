// Every route of every dialect, in the order they are documented.
import { listCatalog } from "./dialects/aihubmix/catalog.ts"
import { getTask, predict1, predict2 } from "./dialects/aihubmix/predictions.ts"
import { genimixDelete, genimixGenerate, genimixGet, genimixUpload } from "./dialects/genimix/images.ts"
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
import { getProvenance } from "./dialects/native/provenance.ts"
import { getModel, getModelByOneName, listModels } from "./dialects/native/models.ts"
import { generateImage, imagesStatus, imageStatus, uploadPicture } from "./dialects/gempix2/images.ts"
import { getCredits, getUsage, listEntries } from "./dialects/native/credits.ts"
import { createQuote } from "./dialects/native/quotes.ts"
import { editImages, generateImages } from "./dialects/openai/images.ts"
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  getRequestSecret,
  getWebhook,
  listWebhookDeliveries,
  listWebhooks,
  replayWebhookDelivery,
  rotateWebhook,
} from "./dialects/native/webhooks.ts"
import {
  deleteOwnVendorKey,
  getOwnVendorKey,
  listOwnVendorKeys,
  setOwnVendorKey,
} from "./dialects/native/vendorKeys.ts"
import type { Route } from "./http/route.ts"

export const allRoutes: Route[] = [
  createGeneration,
  listAllGenerations,
  getGeneration,
  cancelOneGeneration,
  followGeneration,
  getImage,
  getProvenance,
  listModels,
  getModel,
  getModelByOneName,
  createQuote,
  getCredits,
  listEntries,
  getUsage,
  createWebhook,
  listWebhooks,
  getRequestSecret,
  getWebhook,
  changeWebhook,
  deleteWebhook,
  rotateWebhook,
  listWebhookDeliveries,
  replayWebhookDelivery,
  listOwnVendorKeys,
  getOwnVendorKey,
  setOwnVendorKey,
  deleteOwnVendorKey,
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
  genimixGenerate,
  genimixUpload,
  genimixGet,
  genimixDelete,
  generateImage,
  imageStatus,
  imagesStatus,
  uploadPicture,
  healthz,
  readyz,
]

/** No project may be called so: Genimix' addresses have the project where other routes have these words. */
export const reservedProjectIds: string[] = [
  ...new Set(allRoutes.flatMap(({ path }) => /^\/v1\/([^/{]+)/.exec(path)?.[1] ?? [])),
]
