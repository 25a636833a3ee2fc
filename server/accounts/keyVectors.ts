// Keys that nobody has, with what Python's zlib and hashlib compute of them. The last one's check begins with zeros.
import type { Mode } from "../egress/send.ts"

export type KeyVector = {
  key: string
  mode: Mode
  id: string
  /** Of everything before the check. */
  crc: number
  /** Of the whole key: what the database holds. */
  sha256: string
}

export const keyVectors: KeyVector[] = [
  {
    key: "atl_test_000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1FYcro",
    mode: "test",
    id: "000000000000",
    crc: 1_146_030_432,
    sha256: "1a54670740df975370b23452b1f99e49b3a14e339cf391b39d7ed13b571ed069",
  },
  {
    key: "atl_live_Zz9Yy8Xx7Ww6_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg1Rt2jL",
    mode: "live",
    id: "Zz9Yy8Xx7Ww6",
    crc: 1_328_212_443,
    sha256: "b7cb7ffbca6e15bf0adacf3bb32e5f51713e707fd8202f41b47e6dd5ed6c3cf1",
  },
  {
    key: "atl_test_PadPadPadPad_zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz24300Oad1",
    mode: "test",
    id: "PadPadPadPad",
    crc: 5_860_675,
    sha256: "b20572361153ddcf6000322fd41ca5d6b0aa1256e85e30448673ff5436ef540b",
  },
]
