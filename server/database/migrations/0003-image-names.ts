import type { Migration } from "../migrations.ts"

export const imageNames: Migration = {
  name: "0003-image-names",
  statements: [
    `alter table generations add column image_name varchar(128)`,
    `alter table generations add column image_fingerprint varchar(64)`,
    `create table image_names (
      project_id varchar(64) not null references projects (id),
      name varchar(128) not null,
      image_id varchar(40) references images (id),
      generation_id varchar(40) references generations (id),
      created_at bigint not null,
      updated_at bigint not null,
      primary key (project_id, name))`,
  ],
}
