// The tables, as the code sees them.
import type { ApiKeyRow, MembershipRow, ProjectRow, UserRow, VendorKeyRow } from "./tables/accounts.ts"
import type { AccountRow, EntryRow, LossRow, PostingRow } from "./tables/credits.ts"
import type { AttemptRow, EarlyPictureRow, EventRow, GenerationRow, RepeatRow } from "./tables/generations.ts"
import type { DerivativeRow, ImageNameRow, ImageRow } from "./tables/images.ts"
import type { LimitRow } from "./tables/limits.ts"
import type { JobRow } from "./tables/queue.ts"
import type { WebhookAttemptRow, WebhookDeliveryRow, WebhookEndpointRow } from "./tables/webhooks.ts"

/** Secrets of this installation, sealed, that must be the same for every process. */
type SettingRow = { name: string; value: string }

export type Tables = {
  projects: ProjectRow
  api_keys: ApiKeyRow
  users: UserRow
  memberships: MembershipRow
  vendor_keys: VendorKeyRow
  settings: SettingRow
  accounts: AccountRow
  repeats: RepeatRow
  postings: PostingRow
  entries: EntryRow
  losses: LossRow
  generations: GenerationRow
  attempts: AttemptRow
  images: ImageRow
  image_names: ImageNameRow
  derivatives: DerivativeRow
  events: EventRow
  early_pictures: EarlyPictureRow
  jobs: JobRow
  limits: LimitRow
  webhook_endpoints: WebhookEndpointRow
  webhook_deliveries: WebhookDeliveryRow
  webhook_attempts: WebhookAttemptRow
}
