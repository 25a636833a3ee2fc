// Names that clients ask for and that nobody serves, with the reason; the documents of AIHubMix refuse the same.

const reverse = "It is a reverse-engineered way into a chat product, not an API of its vendor, and is not supported."
const older = "Versions below V3 are Ideogram's old interface and are not supported; use ideogram/V3."

export const refusedNames: Record<string, string> = {
  "gpt-4o-image": reverse,
  "gpt-4o-image-vip": reverse,
  "ideogram/v_1": older,
  "ideogram/v_1_turbo": older,
  "ideogram/v_2": older,
  "ideogram/v_2_turbo": older,
  "ideogram/v_2a": older,
  "ideogram/v_2a_turbo": older,
}

/** Why a name is refused, with its family or without. */
export function refusalOf(name: string): string | undefined {
  const wanted = name.trim().toLowerCase()
  const found = Object.keys(refusedNames).find(
    (refused) => wanted === refused || wanted.endsWith(`/${refused}`) || refused.endsWith(`/${wanted}`),
  )
  return found === undefined ? undefined : refusedNames[found]
}
