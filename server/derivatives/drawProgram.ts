// The program of a child process that draws one derivative.
import { drawDerivative } from "./drawing.ts"
import { answerOrder } from "./program.ts"

await answerOrder(drawDerivative)
