import type { Migration } from "../migrations.ts"

export const observed: Migration = {
  name: "0017-observed",
  statements: [
    `alter table generations add column request_id varchar(40)`,
    `alter table generations add column traceparent varchar(55)`,
    `alter table projects add column logs_prompts integer not null default 0`,
  ],
}
