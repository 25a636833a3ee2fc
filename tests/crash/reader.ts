// Reads the server's database beside it, whether it lives or not, in SQL that both engines know.
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import pg from "pg"

/** A data folder for SQLite, an address for PostgreSQL. */
export type Place = { folder: string; postgres?: string | undefined }

export type Reader = {
  rows: <Row>(sql: string) => Promise<Row[]>
  close: () => Promise<void>
}

export const openReader = (place: Place): Reader =>
  place.postgres === undefined ? sqliteReader(place.folder) : postgresReader(place.postgres)

/** Opens the file each time: a connection held open would keep SQLite from recovering as it does after a crash. */
function sqliteReader(folder: string): Reader {
  return {
    async rows<Row>(sql: string) {
      const file = new DatabaseSync(join(folder, "atelier.sqlite"), { readOnly: true, timeout: 5_000 })
      try {
        return file.prepare(sql).all() as Row[]
      } finally {
        file.close()
      }
    },
    close: async () => undefined,
  }
}

function postgresReader(connectionString: string): Reader {
  const pool = new pg.Pool({ connectionString, max: 4, types: { getTypeParser } })
  return {
    rows: async <Row>(sql: string) => (await pool.query(sql)).rows as Row[],
    close: () => pool.end(),
  }
}

const { INT8, NUMERIC } = pg.types.builtins

const getTypeParser = ((type: number, format?: "text" | "binary") =>
  type === INT8 || type === NUMERIC
    ? Number
    : pg.types.getTypeParser(type, format as "text")) as typeof pg.types.getTypeParser
