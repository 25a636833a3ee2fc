// The program of a child process that reads or signs one C2PA manifest.
import { answerAll } from "../children/program.ts"
import { handleManifest } from "./manifests.ts"

await answerAll(handleManifest)
