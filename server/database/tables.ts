// The tables, as the code sees them.
import type { ApiKeyRow, ProjectRow, VendorKeyRow } from "./tables/accounts.ts"
import type { AccountRow, EntryRow, PostingRow } from "./tables/credits.ts"
import type { AttemptRow, EventRow, GenerationRow, RepeatRow } from "./tables/generations.ts"
import type { ImageNameRow, ImageRow } from "./tables/images.ts"
import type { JobRow } from "./tables/queue.ts"
import type { WebhookAttemptRow, WebhookDeliveryRow, WebhookEndpointRow } from "./tables/webhooks.ts"

/** Secrets of this installation, sealed, that must be the same for every process. */
type SettingRow = { name: string; value: string }

export type Tables = {
  projects: ProjectRow
  api_keys: ApiKeyRow
  vendor_keys: VendorKeyRow
  settings: SettingRow
  accounts: AccountRow
  repeats: RepeatRow
  postings: PostingRow
  entries: EntryRow
  generations: GenerationRow
  attempts: AttemptRow
  images: ImageRow
  image_names: ImageNameRow
  events: EventRow
  jobs: JobRow
  webhook_endpoints: WebhookEndpointRow
  webhook_deliveries: WebhookDeliveryRow
  webhook_attempts: WebhookAttemptRow
}
