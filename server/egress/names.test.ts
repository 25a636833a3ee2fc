// What a name server may answer, mixed, changing, private or nothing, at the door for downloads and at that for posts.
import assert from "node:assert/strict"
import { text } from "node:stream/consumers"
import { describe, it, type TestContext } from "node:test"
import { readPolicy } from "./address.ts"
import { createGuardedFetch } from "./guarded.ts"
import { failsWith, record, serve, wanted } from "./loopback.ts"
import { broken, type NameAnswer, notThere, startNameServer } from "./nameServer.ts"
import { createGuardedPost } from "./post.ts"

const publicFour = "93.184.216.34"
const publicSix = "2606:2800:220:1::248"

type Case = { name: string; answer: NameAnswer; outcome: string[] | "url_not_allowed" | "url_fetch_failed" }

const many = Array.from({ length: 99 }, (_, index) => `93.184.217.${index}`)

const cases: Case[] = [
  { name: "a public A", answer: { ips: [publicFour] }, outcome: [publicFour] },
  { name: "a public AAAA", answer: { ips: [publicSix] }, outcome: [publicSix] },
  {
    name: "public addresses of both kinds",
    answer: { ips: [publicFour, publicSix] },
    outcome: [publicFour, publicSix],
  },
  {
    name: "a public A behind an alias",
    answer: { alias: "cdn.example.net", ips: [publicFour] },
    outcome: [publicFour],
  },
  { name: "a hundred public ones", answer: { ips: [...many, publicFour] }, outcome: [...many, publicFour] },
  ...[
    { name: "a private A", ips: ["10.0.0.5"] },
    { name: "a public A before a private one", ips: [publicFour, "127.0.0.1"] },
    { name: "a private A before a public one", ips: ["127.0.0.1", publicFour] },
    { name: "a public A beside a private AAAA", ips: [publicFour, "fd00::1"] },
    { name: "a public AAAA beside a private A", ips: [publicSix, "192.168.0.1"] },
    { name: "the metadata address in an AAAA", ips: ["::ffff:169.254.169.254"] },
    { name: "a private A translated to an AAAA", ips: ["64:ff9b::a00:1"] },
    { name: "loopback in an AAAA", ips: ["::1"] },
    { name: "an AAAA of this link", ips: ["fe80::1"] },
    { name: "a hundred, of which the last is private", ips: [...many, "10.0.0.5"] },
  ].map(({ name, ips }) => ({ name, answer: { ips }, outcome: "url_not_allowed" as const })),
  {
    name: "an alias of a name with the metadata address",
    answer: { alias: "metadata.google.internal", ips: ["169.254.169.254"] },
    outcome: "url_not_allowed",
  },
  { name: "that it does not exist", answer: notThere, outcome: "url_fetch_failed" },
  { name: "that something broke", answer: broken, outcome: "url_fetch_failed" },
  { name: "no address", answer: { ips: [] }, outcome: "url_fetch_failed" },
  { name: "an alias without an address", answer: { alias: "cdn.example.net" }, outcome: "url_fetch_failed" },
  { name: "nothing", answer: { silent: true }, outcome: "url_fetch_failed" },
]

/** Both doors, with names from a name server; `connected` says where they would have gone, in place of loopback. */
async function doors(t: TestContext) {
  const names = await startNameServer(t)
  const port = await serve(t, (request, response) => {
    if (request.url === "/again") response.writeHead(302, { location: "/" }).end()
    else response.end("picture")
  })
  const { connected, connect } = record(port)
  const options = { policy: readPolicy(), resolve: names.resolve, connect }
  return { names, connected, ...createGuardedFetch(options), ...createGuardedPost(options) }
}

const url = "https://pictures.example.com/"
const what = { headers: {}, body: "{}" }
const questions = ["A pictures.example.com", "AAAA pictures.example.com"]

describe("a name of which is answered", () => {
  for (const { name, answer, outcome } of cases)
    it(name, async (t) => {
      const { names, connected, download, post, check } = await doors(t)
      names.answer = () => answer
      const ways = [async () => (await download(url, wanted())).status, async () => (await post(url, what)).status]
      for (const way of ways) {
        if (Array.isArray(outcome)) assert.equal(await way(), 200)
        else await failsWith(way(), outcome)
        assert.deepEqual(connected.splice(0), Array.isArray(outcome) ? outcome : [])
        assert.deepEqual(names.asked.splice(0).toSorted(), questions)
      }
      // When a webhook is saved, a name that is not there yet says nothing against it.
      if (outcome === "url_not_allowed") await failsWith(check(url), outcome)
      else await check(url)
      assert.deepEqual(connected, [])
    })
})

describe("a name whose answer changes", () => {
  /** Public at first, private after. */
  const changing = () => {
    const told = { A: 0, AAAA: 0 }
    return (_: string, kind: "A" | "AAAA") => ({ ips: [told[kind]++ === 0 ? publicFour : "10.0.0.5"] })
  }

  it("is asked for once, and where the first answer leads is where we go", async (t) => {
    const { names, connected, download } = await doors(t)
    names.answer = changing()
    assert.equal(await text((await download(url, wanted())).body), "picture")
    assert.deepEqual([connected.splice(0), names.asked.splice(0).toSorted()], [[publicFour], questions])
    await failsWith(download(url, wanted()), "url_not_allowed", /10\.0\.0\.5/)
    assert.deepEqual(connected, [])
  })

  it("is asked for again at the next hop, though it is the same name", async (t) => {
    const { names, connected, download } = await doors(t)
    names.answer = changing()
    await failsWith(download(`${url}again`, wanted()), "url_not_allowed", /10\.0\.0\.5/)
    assert.deepEqual(connected, [publicFour])
  })

  it("is asked for again at each send after it was saved", async (t) => {
    const { names, connected, check, post } = await doors(t)
    names.answer = changing()
    await check(url)
    await failsWith(post(url, what), "url_not_allowed", /10\.0\.0\.5/)
    assert.deepEqual(connected, [])
  })
})

it("a name that may not be asked for is never asked for", async (t) => {
  const { names, connected, download, post, check } = await doors(t)
  for (const host of ["db.internal", "printer.local", "localhost", "intranet", "x.test", "nas.home.arpa."]) {
    await failsWith(download(`https://${host}/`, wanted()), "url_not_allowed")
    await failsWith(post(`https://${host}/`, what), "url_not_allowed")
    await failsWith(check(`https://${host}/`), "url_not_allowed")
  }
  assert.deepEqual([names.asked, connected], [[], []])
})
