// What settings may be, from their text to what the code takes. The messages are for operators.
import { z } from "zod"
import { readAddresses } from "./addresses.ts"

export const whole = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, `a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `a whole number from ${min} to ${max}`)

export const webAddress = z.string().refine((text) => {
  const url = URL.parse(text)
  return (
    url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === ""
  )
}, "an http or https address without user, query or fragment")

// A socket's folder stands in `?host=`, and then nothing after the `@`. The value holds a password: no message shows it.
export const postgresAddress = z
  .string()
  .refine(
    (text) => /^postgres(ql)?:\/\/\S+$/.test(text) && URL.canParse(text.replace("@/", "@localhost/")),
    "a postgres:// or postgresql:// address, such as postgresql://user:password@host:5432/name",
  )

// Whether they are random is seen where they are read: server/secrets/masterKeys.ts.
export const masterKeys = z
  .string()
  .refine(
    (text) => text.split(/[\s,]+/).every((key) => /^(?:[0-9a-f]{64}|[\w+/-]{43}=?)?$/i.test(key)),
    "32 bytes in hex or base64, such as `openssl rand -hex 32` makes; several with commas between",
  )

const list = z.string().transform((text) => text.split(/[\s,]+/).filter((word) => word !== ""))

export const addresses = list.refine(
  (all) => all.every((one) => readAddresses(one) !== undefined),
  "addresses and ranges like 10.1.0.7 or 10.1.0.0/16, with commas",
)

export const ranges = list.refine(
  (all) => all.every((range) => /^[0-9a-f.:]+\/\d{1,3}$/i.test(range)),
  "ranges like 10.1.0.0/16, with commas",
)

export const ports = z
  .string()
  .regex(/^\s*\d+(?:\s*,\s*\d+)*\s*$/, "ports with commas between, such as 80,443,9000")
  .transform((text) => text.split(",").map(Number))
  .refine((all) => all.every((port) => port >= 1 && port <= 65535), "ports from 1 to 65535")

type CompatibleModel = { name: string; model: string; price?: number }

export const compatibleModels = z.string().transform((text, context): CompatibleModel[] => {
  const entries = text.split(",").map((entry) => entry.trim())
  return entries.flatMap((entry) => {
    if (entry === "") return []
    const [, name, model = name, price] = entry.match(/^([\w./-]+)(?:\s*=\s*(\S+?))?(?:@(\d+(?:\.\d+)?))?$/) ?? []
    if (name !== undefined && model !== undefined)
      return { name, model, ...(price === undefined ? {} : { price: Number(price) }) }
    const message = `names with commas between, such as sdxl@0.002 or z-image=Tongyi-MAI/Z-Image-Turbo, not ${entry}`
    context.addIssue({ code: "custom", message })
    return []
  })
})

export const listenAddress = z
  .string()
  .regex(/^$|^(?:[\w.-]+|\[[0-9a-f:.]+\]):\d{1,5}$/i, "an address and a port, such as 127.0.0.1:9464 or [::1]:9464")
