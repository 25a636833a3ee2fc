import type { Migration } from "../migrations.ts"

export const money: Migration = {
  name: "0002-money",
  statements: [
    `alter table projects add column name varchar(200) not null default ''`,
    `alter table projects add column plan varchar(32) not null default 'community'`,
    `alter table api_keys add column name varchar(200) not null default ''`,
    `alter table api_keys add column scopes_json text not null default '["*"]'`,
    `alter table api_keys add column models_json text`,
    `alter table api_keys add column cap_micros bigint`,
    `alter table api_keys add column spent_micros bigint not null default 0`,
    `alter table api_keys add column expires_at bigint`,
    `alter table api_keys add column last_used_at bigint`,
    `alter table generations add column price_micros bigint not null default 0`,
    `alter table generations add column reserved_micros bigint not null default 0`,
    `alter table generations add column charged_micros bigint not null default 0`,
    `create table accounts (
      id varchar(100) primary key,
      project_id varchar(64) references projects (id),
      mode varchar(4) not null check (mode in ('live', 'test')),
      kind varchar(9) not null check (kind in ('available', 'reserved', 'granted', 'revenue')),
      balance_micros bigint not null,
      check (kind in ('granted', 'revenue') or balance_micros >= 0))`,
    `create table postings (
      id varchar(40) primary key,
      kind varchar(8) not null check (kind in ('grant', 'adjust', 'refund', 'reserve', 'settle', 'release')),
      project_id varchar(64) not null references projects (id),
      mode varchar(4) not null check (mode in ('live', 'test')),
      generation_id varchar(40) references generations (id),
      closes varchar(40) unique,
      reason varchar(500) not null,
      created_at bigint not null,
      unique (generation_id, kind))`,
    `create index postings_by_project on postings (project_id, mode, created_at)`,
    `create table entries (
      posting_id varchar(40) not null references postings (id),
      account_id varchar(100) not null references accounts (id),
      amount_micros bigint not null,
      primary key (posting_id, account_id))`,
  ],
}
