// The judge: reads logs and tables alone, and says what is wrong. Each rule is a function of its own, so that what a
// planted bug breaks has a name.
import { balanceNeverBelowZero, chargedAsDelivered, closedOnce, entriesSumToZero, setAsideOnce } from "./judge.money.ts"
import { messagesAreTrue, webhooksDeliveredOrScheduled } from "./judge.webhooks.ts"
import {
  answersAreKept,
  endsOnce,
  nothingIsLeft,
  noneIsLost,
  oneForAWish,
  picturesAreWhole,
  serverStaysUp,
} from "./judge.work.ts"
import { givenUpForACause, noCallWithoutSent, noneRepeatedBlindly, tasksAreFollowed } from "./judge.vendors.ts"
import type { Evidence } from "./evidence.ts"

/** What is wrong, one sentence each. */
export type Rule = (evidence: Evidence) => string[]

export const rules = {
  noneIsLost,
  oneForAWish,
  answersAreKept,
  endsOnce,
  nothingIsLeft,
  serverStaysUp,
  picturesAreWhole,
  entriesSumToZero,
  balanceNeverBelowZero,
  setAsideOnce,
  closedOnce,
  chargedAsDelivered,
  noCallWithoutSent,
  noneRepeatedBlindly,
  tasksAreFollowed,
  givenUpForACause,
  webhooksDeliveredOrScheduled,
  messagesAreTrue,
} satisfies Record<string, Rule>

export type RuleName = keyof typeof rules

export type Fault = { rule: RuleName; what: string }

export const judge = (evidence: Evidence): Fault[] =>
  (Object.keys(rules) as RuleName[]).flatMap((rule) => rules[rule](evidence).map((what) => ({ rule, what })))
