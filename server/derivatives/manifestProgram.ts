// The program of a child process that reads or signs one C2PA manifest.
import { handleManifest } from "./manifests.ts"
import { answerOrder } from "./program.ts"

await answerOrder(handleManifest)
