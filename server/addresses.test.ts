import assert from "node:assert/strict"
import { test } from "node:test"
import { isAddressWithin, networkOf, plainAddress, readAddresses, readRange } from "./addresses.ts"

const rangesOf = (...texts: string[]) => texts.map((text) => readAddresses(text)!)

test("a range is read, and what only looks like one is not", () => {
  for (const range of ["10.0.0.0/8", "0.0.0.0/0", "fd00::/8", "::/0", "203.0.113.7/32", "::ffff:10.0.0.0/104"])
    assert.ok(readRange(range), range)
  const wrong = ["", "10.0.0.1", "::1", "10/8", "10.0.0.0/33", "10.0.0.0/-1", "fd00::/129", "10.0.0.0/8/8", "home"]
  for (const range of [...wrong, "fe80::1%eth0/64", "::ffff:10.0.0.0/95", "10.0.0.0/255.0.0.0", "0x0a.0.0.0/8"])
    assert.equal(readRange(range), undefined, range)
})

test("an address by itself is a range of one", () => {
  for (const [one, next] of [
    ["203.0.113.7", "203.0.113.8"],
    ["2001:db8::1", "2001:db8::2"],
    ["::ffff:203.0.113.7", "203.0.113.6"],
  ] as const) {
    assert.ok(isAddressWithin(one, rangesOf(one)))
    assert.ok(!isAddressWithin(next, rangesOf(one)))
  }
  for (const wrong of ["", "localhost", "1.2.3", "fe80::1%eth0"]) assert.equal(readAddresses(wrong), undefined, wrong)
})

test("an address is found in its range, however it is spelled", () => {
  const ranges = rangesOf("203.0.113.0/24", "2001:db8::/32")
  for (const inside of [
    ...["203.0.113.0", "203.0.113.255", "::ffff:203.0.113.9", "::ffff:cb00:7109", "203.0.113.9:4711"],
    ...["2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "[2001:db8::1]:443", "2001:db8:ffff::%eth0"],
  ])
    assert.ok(isAddressWithin(inside, ranges), inside)
  for (const outside of [
    ...["203.0.112.255", "203.0.114.0", "::ffff:203.0.114.9", "::203.0.113.9", "2001:db9::1", "::1"],
    ...["", "unknown", "203.0.113", "203.0.113.9.1", "203.0.113.9 ", "203.0.113.9:x", "cb00:7109::"],
  ])
    assert.ok(!isAddressWithin(outside, ranges), outside)
  assert.ok(isAddressWithin("10.1.2.3", rangesOf("::ffff:10.0.0.0/104")), "the range may be spelled so as well")
  assert.ok(!isAddressWithin("10.1.2.3", rangesOf("::10.0.0.0/104")), "and is another without the ffff")
  assert.ok(!isAddressWithin("10.1.2.3", rangesOf("::/0")), "IPv4 is no part of IPv6")
  assert.ok(!isAddressWithin("10.1.2.3", []))
})

test("one address has one spelling", () => {
  for (const text of ["10.1.2.3", "::ffff:10.1.2.3", "10.1.2.3:80", "[::ffff:10.1.2.3]:80"])
    assert.equal(plainAddress(text), "10.1.2.3")
  for (const text of ["2001:db8::1", "2001:DB8:0::1", "[2001:db8::1]", "2001:db8::1%lo"])
    assert.equal(plainAddress(text), "2001:db8::1")
  for (const text of ["", "unknown", "_hidden"]) assert.equal(plainAddress(text), text)
})

test("addresses count by themselves, and those of IPv6 by their network", () => {
  const networks: [address: string, network: string][] = [
    ["203.0.113.9", "203.0.113.9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["::1", "0:0:0:0::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::", "2001:db8:1:2::/64"],
    ["2001:db8:1::6", "2001:db8:1:0::/64"],
    ["2001:DB8::1:2:3:4:5", "2001:db8:0:1::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["", ""],
  ]
  for (const [address, network] of networks) assert.equal(networkOf(address), network, address)
})
