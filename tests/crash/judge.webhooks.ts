// Rules about webhooks: every end is told, or is on its way, and what is told is true and signed.
import { createHmac } from "node:crypto"
import type { Rule } from "./judge.ts"

/** Each end has one delivery to its project's endpoint: taken by the receiver, or with a job that sends it. */
export const webhooksDeliveredOrScheduled: Rule = ({ tables, receiver, endpoints }) => {
  const byGeneration = Map.groupBy(tables.deliveries, ({ generation_id }) => generation_id)
  const taken = new Set(receiver.flatMap(({ id, answer }) => (answer === "taken" ? [id] : [])))
  const jobs = new Set(tables.jobs.map(({ subject }) => subject))
  return tables.generations.flatMap(({ id, project_id, finished_at }) => {
    if (finished_at === null || !endpoints.some(({ project }) => project === project_id)) return []
    const [delivery, ...more] = byGeneration.get(id) ?? []
    if (!delivery || more.length > 0) return [`the end of ${id} has ${more.length + (delivery ? 1 : 0)} deliveries`]
    if (delivery.status === "succeeded" && taken.has(delivery.id)) return []
    if (delivery.status === "pending" && delivery.due_at !== null && jobs.has(delivery.id)) return []
    return [`${delivery.id}, of the end of ${id}, is ${delivery.status}, and the receiver has not taken it`]
  })
}

// Whoever signs and whoever reads share a machine and its clock.
const timestampMaxMs = 60_000

/** What the receiver got is signed, stands in the table word for word, and tells the end as it is. */
export const messagesAreTrue: Rule = ({ tables, receiver, endpoints }) => {
  const deliveries = new Map(tables.deliveries.map((row) => [row.id, row]))
  const generations = new Map(tables.generations.map((row) => [row.id, row]))
  return receiver.flatMap(({ at, path, id, timestamp, signature, body }) => {
    const endpoint = endpoints.find((one) => one.path === path)
    const delivery = deliveries.get(id)
    if (!endpoint || !delivery) return [`the message ${id} is nobody's`]
    const key = Buffer.from(endpoint.secret.replace(/^whsec_/, ""), "base64")
    const wanted = `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`
    if (signature !== wanted) return [`the message ${id} is not signed as it should be`]
    if (Math.abs(at - Number(timestamp) * 1000) > timestampMaxMs) return [`the message ${id} has the time ${timestamp}`]
    const { generation_id, status } = JSON.parse(body) as { generation_id: string; status: string }
    const row = generations.get(generation_id)
    const isTrue = body === delivery.body && generation_id === delivery.generation_id && row?.status === status
    return isTrue ? [] : [`the message ${id} says that ${generation_id} has ${status}, and it has ${row?.status}`]
  })
}
