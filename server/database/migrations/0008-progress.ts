import type { Migration } from "../migrations.ts"

export const progress: Migration = {
  name: "0008-progress",
  statements: [
    `create index generations_by_model on generations (model, mode, status, finished_at)`,
    `create index generations_by_status on generations (status, created_at)`,
  ],
}
