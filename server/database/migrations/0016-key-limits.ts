import type { Migration } from "../migrations.ts"

export const keyLimits: Migration = {
  name: "0016-key-limits",
  statements: [`alter table api_keys add column requests_per_hour integer`],
}
