import type { Migration } from "../migrations.ts"

export const fairQueue: Migration = {
  name: "0004-fair-queue",
  statements: [
    `alter table jobs add column project_id varchar(64) not null default ''`,
    `alter table jobs add column lane varchar(64) not null default ''`,
    `alter table jobs add column places integer not null default 0`,
    `alter table jobs add column priority integer not null default 0`,
    `alter table jobs add column deadline_at bigint`,
    `update jobs set leased_until = null`,
    `create index jobs_by_line on jobs (project_id, lane, places, priority, due_at)`,
    `create index jobs_by_lease on jobs (leased_until, project_id, lane)`,
    `create index jobs_by_deadline on jobs (deadline_at)`,
  ],
}
