import type { Migration } from "../migrations.ts"

export const people: Migration = {
  name: "0009-people",
  statements: [
    `create table users (
      id varchar(40) primary key,
      email varchar(254) not null unique check (email = lower(email)),
      name varchar(200) not null,
      password_hash varchar(200),
      created_at bigint not null,
      disabled_at bigint)`,
    `create table memberships (
      project_id varchar(64) not null references projects (id),
      user_id varchar(40) not null references users (id),
      role varchar(6) not null check (role in ('owner', 'member', 'viewer')),
      created_at bigint not null,
      primary key (project_id, user_id))`,
    `create index memberships_by_user on memberships (user_id)`,
    `alter table api_keys add column addresses_json text`,
  ],
}
