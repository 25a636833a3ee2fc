import type { Migration } from "../migrations.ts"

/** The six accounts of the house: entries refer to them, and what they have is the sum of these. */
const accounts = ["live", "test"].flatMap((mode) => [
  `('house:${mode}:granted', null, '${mode}', 'granted', 0)`,
  `('house:${mode}:revenue', null, '${mode}', 'revenue', 0)`,
  // The first table knows no fifth kind.
  `('house:${mode}:lost', null, '${mode}', 'revenue', 0)`,
])

export const houseSums: Migration = {
  name: "0015-house-sums",
  statements: [
    `update accounts set balance_micros = 0 where project_id is null`,
    `insert into accounts (id, project_id, mode, kind, balance_micros) values ${accounts.join(", ")}
      on conflict (id) do nothing`,
  ],
}
