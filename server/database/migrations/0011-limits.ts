import type { Migration } from "../migrations.ts"

const limits = "limits (name varchar(128) primary key, arrives_at double precision not null)"

export const limitsAndSweeps: Migration = {
  name: "0011-limits",
  statements: [
    // Every request that counts writes here and must not wait for the disk: not logged, it does not. PostgreSQL empties
    // the table after a crash of its own, and of its own alone.
    { sqlite: `create table ${limits}`, postgres: `create unlogged table ${limits}` },
    // Repetitions are forgotten for all projects at once, no longer by the next request of each.
    `drop index repeats_by_age`,
    `create index repeats_by_time on repeats (created_at)`,
    `create index webhook_deliveries_by_time on webhook_deliveries (created_at)`,
    `create table early_pictures (
      generation_id varchar(40) not null references generations (id),
      sha256 varchar(64) not null,
      primary key (generation_id, sha256))`,
    `create index early_pictures_by_sha256 on early_pictures (sha256)`,
    {
      sqlite: `insert into early_pictures (generation_id, sha256)
        select distinct generation_id, json_extract(data_json, '$.sha256') from events where type = 'partial_image'`,
      postgres: `insert into early_pictures (generation_id, sha256)
        select distinct generation_id, data_json::json ->> 'sha256' from events where type = 'partial_image'`,
    },
    // Whether anybody waits in a lane.
    `create index jobs_by_lane on jobs (lane, due_at)`,
  ],
}
