import type { Migration } from "../migrations.ts"

export const repeats: Migration = {
  name: "0006-repeats",
  statements: [
    `create table repeats (
      project_id varchar(64) not null references projects (id),
      route varchar(300) not null,
      name varchar(260) not null,
      fingerprint varchar(64) not null,
      generation_id varchar(40) not null,
      created_at bigint not null,
      delivered_at bigint,
      primary key (project_id, route, name))`,
    `create index repeats_by_age on repeats (project_id, created_at)`,
  ],
}
