import type { Migration } from "../migrations.ts"

export const vendorKeys: Migration = {
  name: "0014-vendor-keys",
  statements: [
    `create table vendor_keys (
      project_id varchar(64) not null references projects (id),
      provider varchar(32) not null,
      sealed_key text not null,
      last4 varchar(4) not null,
      created_at bigint not null,
      updated_at bigint not null,
      primary key (project_id, provider))`,
    `alter table attempts add column key_source varchar(7) not null default 'server'
      check (key_source in ('server', 'project'))`,
  ],
}
