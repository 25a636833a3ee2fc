// The program of a child process that draws one derivative.
import { answerAll } from "../children/program.ts"
import { drawDerivative } from "./drawing.ts"

await answerAll(drawDerivative)
