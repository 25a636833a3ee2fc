import assert from "node:assert/strict"
import { networkInterfaces } from "node:os"
import { test } from "node:test"
import fc from "fast-check"
import { checkRedirect, checkUrl, isPublicAddress, readPolicy } from "./address.ts"
import { lookups, mustAllow, mustRefuse, mustRefuseRedirects } from "./vectors.ts"

const policy = readPolicy()

test("no vector is lost", () => {
  assert.equal(new Set(mustRefuse).size, 134)
  assert.equal(new Set(mustAllow).size, 35)
  assert.equal(lookups.length, 7)
  assert.equal(mustRefuseRedirects.length, 6)
})

for (const url of mustRefuse) {
  test(`refused: ${url}`, () => assert.ok("refused" in checkUrl(url, policy)))
}

for (const url of mustAllow) {
  test(`allowed: ${url}`, () => assert.deepEqual(checkUrl(url, policy), { url: new URL(url) }))
}

for (const { name, answers, outcome } of lookups.filter(({ answers }) => answers.length > 0)) {
  test(`addresses of a name: ${name}`, () => {
    const allowed = answers.every((answer) => isPublicAddress(answer, policy))
    assert.equal(allowed, outcome === "allowed")
  })
}

for (const location of mustRefuseRedirects) {
  test(`redirect refused: ${location}`, () => {
    assert.ok("refused" in checkRedirect(new URL("http://example.com/a.png"), location, policy))
    assert.ok("refused" in checkRedirect(new URL("https://example.com/a.png"), location, policy))
  })
}

test("a redirect may be relative and may go from http to https, never back", () => {
  const from = new URL("https://example.com/a/b.png")
  assert.deepEqual(checkRedirect(from, "../c.png?d", policy), { url: new URL("https://example.com/c.png?d") })
  assert.deepEqual(checkRedirect(from, "//cdn.example.com/", policy), { url: new URL("https://cdn.example.com/") })
  assert.deepEqual(checkRedirect(from, "http://example.com/a.png", policy), { refused: "https to http" })
  assert.ok("url" in checkRedirect(new URL("http://example.com/"), "https://example.com/", policy))
})

test("names that only look public", () => {
  for (const name of ["example.com..", "a..example.com", ".example.com", "corp", "x.corp", "X.TEST.", "localhost."]) {
    assert.ok("refused" in checkUrl(`https://${name}/`, policy), name)
  }
  for (const name of ["example.com.", "mycorp.com", "corp.example.com", "notlocal.net"]) {
    assert.ok("url" in checkUrl(`https://${name}/`, policy), name)
  }
})

test("what is not a plain address is not public", () => {
  for (const ip of [
    "",
    "localhost",
    "8.8.8",
    "0x8.8.8.8",
    "08.8.8.8",
    "2606:4700::1%eth0",
    "[2606:4700::1]",
    "8.8.8.8/32",
  ]) {
    assert.equal(isPublicAddress(ip, policy), false, ip)
  }
})

test("the edges of the IPv6 ranges", () => {
  for (const ip of [
    "1fff::1",
    "2001:1ff::1",
    "2001:db8:ffff::1",
    "2002::1",
    "2620:4f:8000::1",
    "3fff:fff::1",
    "4000::1",
  ]) {
    assert.equal(isPublicAddress(ip, policy), false, ip)
  }
  for (const ip of ["2000::1", "2001:200::1", "2001:db9::1", "2003::1", "2620:4f:8001::1", "3ffe::1", "3fff:1000::1"]) {
    assert.equal(isPublicAddress(ip, policy), true, ip)
  }
})

test("IPv4 inside IPv6 is judged as IPv4", () => {
  fc.assert(
    fc.property(fc.ipV4(), (ip) => isPublicAddress(ip, policy) === isPublicAddress(`::ffff:${ip}`, policy)),
    { numRuns: 2_000 },
  )
})

test("this machine's addresses are refused, however they are written", () => {
  const own = { ...policy, own: () => ["93.184.216.34", "2606:2800:220:1::248", "fe80::1"] }
  for (const ip of ["93.184.216.34", "::ffff:93.184.216.34", "2606:2800:0220:0001:0:0:0:0248"]) {
    assert.equal(isPublicAddress(ip, policy), true, ip)
    assert.equal(isPublicAddress(ip, own), false, ip)
  }
  assert.deepEqual(
    policy.own(),
    Object.values(networkInterfaces()).flatMap((all) => all?.map(({ address }) => address)),
  )
})

test("the operator's ranges win, for their addresses only", () => {
  const home = { ...readPolicy({ allow: ["10.1.0.0/16", "fd00:1::/32"] }), own: () => ["10.1.0.9"] }
  for (const ip of ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "10.1.0.9", "fd00:1::5"]) {
    assert.equal(isPublicAddress(ip, home), true, ip)
  }
  for (const ip of ["10.0.255.255", "10.2.0.0", "127.0.0.1", "fd00:2::5", "::1"]) {
    assert.equal(isPublicAddress(ip, home), false, ip)
  }
  assert.ok("url" in checkUrl("http://10.1.0.1/a.png", home))
  assert.ok("refused" in checkUrl("http://10.1.0.1:9000/a.png", home))
  assert.ok("refused" in checkUrl("http://localhost/a.png", readPolicy({ allow: ["127.0.0.0/8"] })))
})

test("the operator's ports take the place of ours", () => {
  const ports = readPolicy({ ports: [443, 9000] })
  assert.ok("url" in checkUrl("http://example.com:9000/", ports))
  assert.ok("url" in checkUrl("https://example.com/", ports))
  assert.ok("refused" in checkUrl("http://example.com/", ports))
})

test("a range that is not one names its setting", () => {
  for (const range of ["", "10.0.0.0", "10/8", "10.0.0.0/33", "fd00::/129", "home", "10.0.0.0/8/8", "10.0.0.0/-1"]) {
    assert.throws(() => readPolicy({ allow: [range] }), /ATELIER_EGRESS_ALLOW/, range)
  }
})
