// How the tables came to be, in order. What has landed is never edited; changes are further entries.
import { sql } from "kysely"
import type { Kysely } from "kysely"

type Migration = { name: string; statements: string[] }

const migrations: Migration[] = [
  {
    name: "0001-first-light",
    statements: [
      `create table projects (id varchar(64) primary key, created_at bigint not null)`,
      `create table api_keys (
        id varchar(12) primary key,
        project_id varchar(64) not null references projects (id),
        mode varchar(4) not null check (mode in ('live', 'test')),
        hash varchar(64) not null,
        last4 varchar(4) not null,
        created_at bigint not null,
        revoked_at bigint)`,
      `create table settings (name varchar(64) primary key, value text not null)`,
      `create table generations (
        id varchar(40) primary key,
        project_id varchar(64) not null references projects (id),
        key_id varchar(12) not null,
        mode varchar(4) not null check (mode in ('live', 'test')),
        dialect varchar(16) not null,
        model varchar(128) not null,
        input_json text not null,
        references_json text not null,
        warnings_json text not null,
        status varchar(9) not null check (status in ('queued', 'running', 'succeeded', 'failed', 'canceled')),
        failure_json text,
        usage_json text,
        created_at bigint not null,
        started_at bigint,
        finished_at bigint,
        check ((status in ('succeeded', 'failed', 'canceled')) = (finished_at is not null)),
        check ((status = 'failed') = (failure_json is not null)))`,
      `create index generations_by_project on generations (project_id, created_at, id)`,
      `create table attempts (
        id varchar(40) primary key,
        generation_id varchar(40) not null references generations (id),
        part integer not null,
        ordinal integer not null,
        provider varchar(32) not null,
        vendor_model varchar(128) not null,
        state varchar(8) not null check (state in ('sent', 'pending', 'stored', 'failed')),
        check_json text,
        pictures_json text,
        failure_json text,
        usage_json text,
        due_at bigint not null,
        sent_at bigint not null,
        finished_at bigint,
        unique (generation_id, part, ordinal))`,
      `create table images (
        id varchar(40) primary key,
        project_id varchar(64) not null references projects (id),
        generation_id varchar(40) references generations (id),
        position integer not null,
        sha256 varchar(64) not null,
        bytes bigint not null,
        media_type varchar(32) not null,
        width integer not null,
        height integer not null,
        notes_json text not null,
        created_at bigint not null,
        unique (generation_id, position))`,
      `create index images_by_sha256 on images (sha256)`,
      `create table events (
        generation_id varchar(40) not null references generations (id),
        sequence integer not null,
        type varchar(32) not null,
        data_json text not null,
        created_at bigint not null,
        primary key (generation_id, sequence))`,
      `create table jobs (
        id varchar(40) primary key,
        kind varchar(32) not null,
        subject varchar(64) not null,
        due_at bigint not null,
        leased_until bigint,
        fence integer not null,
        unique (kind, subject))`,
      `create index jobs_by_due on jobs (due_at)`,
    ],
  },
]

/** Brings the tables up to date; safe to call at every start. */
export async function migrate(database: Kysely<unknown>) {
  await sql`create table if not exists migrations (name varchar(64) primary key, applied_at bigint not null)`.execute(
    database,
  )
  for (const { name, statements } of migrations) {
    await database.transaction().execute(async (tx) => {
      const applied = await sql`select name from migrations where name = ${name}`.execute(tx)
      if (applied.rows.length > 0) return
      for (const statement of statements) await sql.raw(statement).execute(tx)
      await sql`insert into migrations (name, applied_at) values (${name}, ${Date.now()})`.execute(tx)
    })
  }
}
