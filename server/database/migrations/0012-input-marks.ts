import type { Migration } from "../migrations.ts"

/** The marks of an AI that callers' pictures came with: of an upload itself, or of what a generation started from. */
export const inputMarks: Migration = {
  name: "0012-input-marks",
  statements: [
    `alter table images add column input_marks_json text not null default '[]'`,
    `alter table generations add column input_marks_json text not null default '[]'`,
  ],
}
