// Sizes as Ark takes them: in K, with a shape that the prompt decides, or in pixels.

/** The pixels that the documents recommend, by ratio and size; of an upright ratio, the sides change places. */
const recommended: Record<string, Record<string, string>> = {
  "1:1": { "1K": "1024x1024", "2K": "2048x2048", "3K": "3072x3072", "4K": "4096x4096" },
  "4:3": { "1K": "1152x864", "2K": "2304x1728", "3K": "3456x2592", "4K": "4704x3520" },
  "3:2": { "1K": "1248x832", "2K": "2496x1664", "3K": "3744x2496", "4K": "4992x3328" },
  "16:9": { "1K": "1280x720", "2K": "2848x1600", "3K": "4096x2304", "4K": "5504x3040" },
  "21:9": { "1K": "1512x648", "2K": "3136x1344", "3K": "4704x2016", "4K": "6240x2656" },
}

type Shape = { size?: string; aspect_ratio?: string }

/** Nothing at all asks for the vendor's default, 2048x2048; a ratio alone for as many pixels. */
export function sizeOf({ size = "auto", aspect_ratio: ratio }: Shape): { size?: string } {
  if (ratio === undefined) return size === "auto" ? {} : { size }
  const tier = size === "auto" ? "2K" : size
  const lying = recommended[ratio]?.[tier]
  const upright = recommended[turned(ratio, ":")]?.[tier]
  return { size: lying ?? (upright ? turned(upright, "x") : tier) }
}

const turned = (pair: string, sign: ":" | "x"): string => pair.split(sign).reverse().join(sign)
