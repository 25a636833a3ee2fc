import type { Migration } from "../migrations.ts"

const limits = "limits (name varchar(128) primary key, arrives_at double precision not null)"

export const limitsAndSweeps: Migration = {
  name: "0011-limits",
  statements: [
    // Every request that counts writes here and must not wait for the disk: not logged, it does not. PostgreSQL empties
    // the table after a crash of its own, and of its own alone.
    { sqlite: `create table ${limits}`, postgres: `create unlogged table ${limits}` },
    // Whether anybody waits in a lane.
    `create index jobs_by_lane on jobs (lane, due_at)`,
  ],
}
