import type { Migration } from "../migrations.ts"

export const marks: Migration = {
  name: "0013-marks",
  statements: [
    `create table derivatives (
      image_id varchar(40) not null references images (id) on delete cascade,
      variant varchar(64) not null,
      signer varchar(64) not null,
      sha256 varchar(64) not null,
      bytes bigint not null,
      media_type varchar(32) not null,
      width integer not null,
      height integer not null,
      created_at bigint not null,
      primary key (image_id, variant, signer))`,
  ],
}
