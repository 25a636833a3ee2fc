// Rules about work: what was accepted is there, ends once, and leaves whole pictures and nothing else behind.
import { wishOf, wishesById } from "./judge.read.ts"
import type { Rule } from "./judge.ts"

const ends = ["succeeded", "failed", "canceled"]

/** A generation that an answer named is in the table, and is that wish's. */
export const noneIsLost: Rule = ({ client, tables, wishes }) => {
  const byId = new Map(tables.generations.map((row) => [row.id, row]))
  const tokens = new Map(wishes.map(({ number, token }) => [number, token]))
  return client.flatMap((entry) => {
    if (entry.act !== "answered") return []
    const { generation, wish, status } = entry
    if (generation === null) return status < 300 ? [`the answer to wish ${wish} names no generation`] : []
    const row = byId.get(generation)
    if (!row) return [`${generation}, accepted for wish ${wish}, is not in the table`]
    return row.input_json.includes(tokens.get(wish)!)
      ? []
      : [`${generation} was given for wish ${wish} and is another's`]
  })
}

/**
 * However often it was sent, a wish makes one generation, and all its answers name the same. Under a name alone one that
 * came to nothing may be followed by another.
 */
export const oneForAWish: Rule = ({ client, tables, wishes }) => {
  const made = Map.groupBy(tables.generations, wishOf)
  const answered = Map.groupBy(client, ({ wish }) => wish)
  return wishes.flatMap(({ number, token, known }) => {
    const rows = made.get(token) ?? []
    const counted = known === "by name" ? rows.filter(({ status }) => status !== "failed") : rows
    const named = new Set(
      (answered.get(number) ?? []).flatMap((entry) => (entry.act === "answered" && entry.generation) || []),
    )
    return [
      ...(counted.length > 1 ? [`wish ${number} has ${counted.length} generations`] : []),
      ...(known !== "by name" && named.size > 1 ? [`wish ${number} was told of ${[...named].join(" and ")}`] : []),
    ]
  })
}

// What a caller may be told: that it is done, accepted, too expensive, still under way, or that the vendor failed.
const expected = [200, 202, 402, 409, 502, 503, 504]

/** No answer is a fault of the server's own, and an end that was told is the end for good. */
export const answersAreKept: Rule = ({ client, tables }) => {
  const byId = new Map(tables.generations.map((row) => [row.id, row]))
  return client.flatMap((entry) => {
    if (entry.act !== "answered") return []
    const { wish, what, status, code, generation, ended } = entry
    if (!expected.includes(status)) return [`the ${what} of wish ${wish} was answered with ${status} ${code}`]
    const row = generation === null ? undefined : byId.get(generation)
    const isOther = row && ended !== null && row.status !== ended
    return isOther ? [`wish ${wish} was told that ${generation} has ${ended}, and it has ${row.status}`] : []
  })
}

/** Every generation ends, with one event that says so, and without a gap before it. */
export const endsOnce: Rule = ({ tables }) => {
  const eventsOf = Map.groupBy(tables.events, ({ generation_id }) => generation_id)
  return tables.generations.flatMap(({ id, status }) => {
    if (!ends.includes(status)) return [`${id} is still ${status}`]
    const events = eventsOf.get(id) ?? []
    const told = events.map(({ type }) => type).filter((type) => ends.includes(type))
    const hasGap = events.some(({ sequence }, index) => sequence !== index + 1)
    return [
      ...(told.join() === status ? [] : [`${id} has ${status}, and its events say ${told.join(" and ") || "nothing"}`]),
      ...(hasGap ? [`the events of ${id} have a gap`] : []),
    ]
  })
}

/** No job but webhooks to be tried again, and no call whose outcome nobody has written down. */
export const nothingIsLeft: Rule = ({ tables }) => {
  const pending = new Set(tables.deliveries.flatMap(({ id, status }) => (status === "pending" ? [id] : [])))
  const canceled = new Set(tables.generations.flatMap(({ id, status }) => (status === "canceled" ? [id] : [])))
  const jobs = tables.jobs.filter(({ kind, subject }) => kind !== "deliver-webhook" || !pending.has(subject))
  const open = tables.attempts.filter(
    ({ state, generation_id }) => (state === "sent" || state === "pending") && !canceled.has(generation_id),
  )
  return [
    ...jobs.map(({ kind, subject }) => `a job is left: ${kind} of ${subject}`),
    ...open.map(({ id, state, generation_id }) => `the call ${id} of ${generation_id} is still ${state}`),
  ]
}

export const serverStaysUp: Rule = ({ nemesis }) =>
  nemesis.flatMap((entry) => (entry.act === "fell" ? [`the server ended by itself: ${entry.log}`] : []))

/** Each success has all its pictures, others have none, and every picture's bytes lie in storage under their true name. */
export const picturesAreWhole: Rule = ({ tables, files, wishes }) => {
  const byGeneration = Map.groupBy(tables.images, ({ generation_id }) => generation_id)
  const byToken = wishesById(wishes)
  const counts = tables.generations.flatMap((row) => {
    const count = byGeneration.get(row.id)?.length ?? 0
    const wanted = byToken.get(wishOf(row) ?? "")?.pictures ?? 0
    const isRight = row.status === "succeeded" ? count >= 1 && count <= wanted : count === 0
    return isRight ? [] : [`${row.id} has ${row.status} with ${count} of ${wanted} pictures`]
  })
  const broken = tables.images.flatMap(({ id, sha256, bytes }) => {
    const lying = files.get(sha256)
    if (!lying) return [`the bytes of ${id} are not there`]
    return lying.bytes === bytes && lying.sha256 === sha256 ? [] : [`the bytes of ${id} are others`]
  })
  return [...counts, ...broken]
}
