// Rules that no statement may break, whoever writes it: kept by the database itself, in triggers.
type Statement = { sqlite: string; postgres: string }

/** Rows of this table are never changed, or never deleted. */
export const appended = (table: string, act: "update" | "delete"): Statement => ({
  sqlite: `create trigger ${table}_stay_${act} before ${act} on ${table}
    begin select raise(abort, '${table} are only ever added'); end`,
  postgres: `create trigger ${table}_stay_${act} before ${act} on ${table}
    for each row execute function refuse_change()`,
})

const nothing = "select 1"

/** Entries are never changed or deleted, and a generation that has ended never gets another status. */
export const guards: Statement[] = [
  {
    sqlite: nothing,
    postgres: `create function refuse_change() returns trigger language plpgsql as
      $$ begin raise exception '% are only ever added', tg_table_name; end $$`,
  },
  ...["postings", "entries"].flatMap((table) => [appended(table, "update"), appended(table, "delete")]),
  {
    sqlite: nothing,
    postgres: `create function refuse_revival() returns trigger language plpgsql as
      $$ begin raise exception 'a generation that has ended stays as it is'; end $$`,
  },
  {
    sqlite: `create trigger generations_stay_ended before update of status on generations
      when old.status in ('succeeded', 'failed', 'canceled') and new.status <> old.status
      begin select raise(abort, 'a generation that has ended stays as it is'); end`,
    postgres: `create trigger generations_stay_ended before update of status on generations
      for each row when (old.status in ('succeeded', 'failed', 'canceled') and new.status <> old.status)
      execute function refuse_revival()`,
  },
]
