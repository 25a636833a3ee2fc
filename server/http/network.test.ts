import assert from "node:assert/strict"
import { it } from "node:test"
import { networkOf } from "./network.ts"

it("addresses count by themselves, and those of IPv6 by their network", () => {
  const networks: [address: string, network: string][] = [
    ["203.0.113.9", "203.0.113.9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["::1", "0:0:0:0::/64"],
    ["::", "0:0:0:0::/64"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::", "2001:db8:1:2::/64"],
    ["2001:db8:1::6", "2001:db8:1:0::/64"],
    ["2001:DB8::1:2:3:4:5", "2001:db8:0:1::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ]
  for (const [address, network] of networks) assert.equal(networkOf(address), network, address)
})
