// What several rules read out of the evidence.
import type { GenerationRow } from "../../server/database/tables/generations.ts"
import { tokenPattern } from "./wishes.ts"
import type { Wish } from "./wishes.ts"

/** The token of the wish that a generation serves. */
export const wishOf = ({ input_json }: Pick<GenerationRow, "input_json">): string | undefined =>
  tokenPattern.exec(input_json)?.[0]

export const wishesById = (wishes: Wish[]): Map<string, Wish> => new Map(wishes.map((wish) => [wish.token, wish]))
