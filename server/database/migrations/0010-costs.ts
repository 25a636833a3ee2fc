import { appended } from "../guards.ts"
import type { Migration } from "../migrations.ts"

export const costs: Migration = {
  name: "0010-costs",
  statements: [
    `alter table attempts add column reserved_micros bigint not null default 0`,
    // Calls under way: all parts of a generation are begun together, and are nearly always alike.
    `update attempts set reserved_micros =
      (select reserved_micros from generations where generations.id = attempts.generation_id) /
      (select count(distinct part) from attempts as parts where parts.generation_id = attempts.generation_id)
      where state in ('sent', 'pending')`,
    `create table losses (
      attempt_id varchar(40) primary key,
      generation_id varchar(40) not null references generations (id),
      provider varchar(32) not null,
      vendor_model varchar(128) not null,
      amount_micros bigint not null check (amount_micros >= 0),
      reason varchar(100) not null,
      created_at bigint not null)`,
    `create index losses_by_time on losses (created_at, attempt_id)`,
    `create index losses_by_generation on losses (generation_id)`,
    appended("losses", "update"),
    appended("losses", "delete"),
  ],
}
