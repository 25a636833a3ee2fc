// How the tables came to be, in order. What has landed is never edited; changes are further entries.
import { sql } from "kysely"
import type { Kysely } from "kysely"
import { guards } from "./guards.ts"

/** One text for both, but where the two differ. */
type Statement = string | Record<Engine, string>
export type Engine = "sqlite" | "postgres"
type Migration = { name: string; statements: Statement[] }

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
  {
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
  },
  {
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
  },
  {
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
  },
  {
    name: "0005-webhooks",
    statements: [
      `alter table generations add column webhook_url varchar(2048)`,
      `alter table generations add column webhook_origin text`,
      `create table webhook_endpoints (
        id varchar(40) primary key,
        project_id varchar(64) not null references projects (id),
        url varchar(2048) not null,
        events_json text not null,
        sealed_secret text not null,
        old_sealed_secret text,
        old_until bigint,
        origin text not null,
        disabled varchar(16) check (disabled in ('by_request', 'gone', 'failing')),
        failing_since bigint,
        slow_until bigint,
        created_at bigint not null)`,
      `create index webhook_endpoints_by_project on webhook_endpoints (project_id, created_at, id)`,
      `create table webhook_deliveries (
        id varchar(40) primary key,
        project_id varchar(64) not null references projects (id),
        endpoint_id varchar(40) references webhook_endpoints (id),
        url varchar(2048),
        generation_id varchar(40) not null references generations (id),
        event varchar(32) not null,
        body text not null,
        status varchar(9) not null check (status in ('pending', 'succeeded', 'dead')),
        tries integer not null,
        due_at bigint,
        replay_of varchar(40),
        created_at bigint not null,
        finished_at bigint,
        check ((endpoint_id is null) = (url is not null)),
        check ((status = 'pending') = (finished_at is null)),
        check ((status = 'pending') = (due_at is not null)))`,
      `create index webhook_deliveries_by_endpoint on webhook_deliveries (project_id, endpoint_id, created_at, id)`,
      `create table webhook_attempts (
        delivery_id varchar(40) not null references webhook_deliveries (id),
        ordinal integer not null,
        sent_at bigint not null,
        duration_ms integer not null,
        status integer,
        error varchar(32),
        next_at bigint,
        primary key (delivery_id, ordinal))`,
    ],
  },
  {
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
  },
  { name: "0007-guards", statements: guards },
  {
    name: "0008-progress",
    statements: [
      `create index generations_by_model on generations (model, mode, status, finished_at)`,
      `create index generations_by_status on generations (status, created_at)`,
    ],
  },
]

// Any number, as long as nobody else on the database uses it: "atelier" on a telephone.
const lockNumber = 2_835_437

/** Brings the tables up to date; safe to call at every start, also by several servers at once. */
export async function migrate(database: Kysely<unknown>, engine: Engine) {
  await database.connection().execute(async (connection) => {
    if (engine === "sqlite") return apply(connection, engine)
    await sql`select pg_advisory_lock(${sql.lit(lockNumber)})`.execute(connection)
    try {
      await apply(connection, engine)
    } finally {
      await sql`select pg_advisory_unlock(${sql.lit(lockNumber)})`.execute(connection)
    }
  })
}

async function apply(connection: Kysely<unknown>, engine: Engine) {
  await sql`create table if not exists migrations (name varchar(64) primary key, applied_at bigint not null)`.execute(
    connection,
  )
  for (const { name, statements } of migrations) {
    await connection.transaction().execute(async (tx) => {
      const applied = await sql`select name from migrations where name = ${name}`.execute(tx)
      if (applied.rows.length > 0) return
      for (const statement of statements)
        await sql.raw(typeof statement === "string" ? statement : statement[engine]).execute(tx)
      await sql`insert into migrations (name, applied_at) values (${name}, ${Date.now()})`.execute(tx)
    })
  }
}
