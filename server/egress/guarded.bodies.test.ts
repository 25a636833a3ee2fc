// Servers that are slow, endless, lying or broken: each ends as a failed fetch, and its connection with it.
import assert from "node:assert/strict"
import type { Socket } from "node:net"
import { buffer, text } from "node:stream/consumers"
import { describe, it, type TestContext } from "node:test"
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib"
import type { GuardedOptions } from "./guarded.ts"
import { failsWith, loopback, serve, serveBytes, wanted } from "./loopback.ts"

const ok = "HTTP/1.1 200 OK\r\n"
const chunked = `${ok}transfer-encoding: chunked\r\n\r\n`

/** After a beginning writes as fast as it is read, for as long as anybody reads. */
function writeForEver(socket: Socket, bytes: string | Buffer, begin = ""): void {
  socket.write(begin)
  const more = () => {
    if (socket.destroyed) return
    if (socket.write(bytes)) setImmediate(more)
    else socket.once("drain", more)
  }
  more()
}

/** After a beginning writes a little at a time. */
function drip(socket: Socket, bytes: string, begin: string): void {
  socket.write(begin)
  const timer = setInterval(() => socket.write(bytes), 2).unref()
  socket.once("close", () => clearInterval(timer))
}

type Case = {
  name: string
  answer: (socket: Socket) => void
  cause: RegExp
  limits?: GuardedOptions["limits"]
}

const soon = { headMaxMs: 40 }
const soonOver = { wholeMaxMs: 150 }

const cases: Case[] = [
  { name: "a head that never begins", answer: () => {}, cause: /TimeoutError/, limits: soon },
  {
    name: "a head that comes a little at a time",
    answer: (socket) => drip(socket, "a", `${ok}x-a: `),
    ...{ cause: /TimeoutError/, limits: soon },
  },
  {
    name: "hints for ever in place of an answer",
    answer: (socket) => writeForEver(socket, "HTTP/1.1 103 Early Hints\r\nlink: </a.css>\r\n\r\n"),
    ...{ cause: /TimeoutError/, limits: soon },
  },
  {
    name: "a word to go on, which nobody asked for",
    answer: (socket) => writeForEver(socket, "HTTP/1.1 100 Continue\r\n\r\n"),
    cause: /SocketError/,
  },
  {
    name: "another protocol",
    answer: (socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
    cause: /SocketError/,
  },
  {
    name: "one header of 100 KB",
    answer: (socket) => socket.write(`${ok}x-a: ${"a".repeat(100_000)}\r\ncontent-length: 1\r\n\r\na`),
    cause: /HeadersOverflow/,
  },
  {
    name: "100 KB of small headers",
    answer: (socket) => socket.write(`${ok}${"x-a: b\r\n".repeat(12_500)}content-length: 1\r\n\r\na`),
    cause: /HeadersOverflow/,
  },
  {
    name: "headers without end",
    answer: (socket) => writeForEver(socket, "x-a: b\r\n".repeat(100), ok),
    cause: /HeadersOverflow/,
  },
  { name: "another language", answer: (socket) => socket.write("SSH-2.0-OpenSSH_9.9\r\n"), cause: /HTTPParserError/ },
  { name: "no answer", answer: (socket) => socket.end(), cause: /SocketError/ },
  { name: "a reset before the head", answer: (socket) => socket.resetAndDestroy(), cause: /ECONNRESET|SocketError/ },
  {
    name: "half a head",
    answer: (socket) => socket.end(`${ok}content-len`),
    cause: /SocketError|HTTPParserError/,
  },
  {
    name: "two lengths",
    answer: (socket) => socket.write(`${ok}content-length: 3\r\ncontent-length: 5\r\n\r\nabcde`),
    cause: /LengthMismatch/,
  },
  ...["-1", "abc", "0x10", "99999999999999999999999"].map((length) => ({
    name: `a length of ${length}`,
    answer: (socket: Socket) => socket.write(`${ok}content-length: ${length}\r\n\r\nabc`),
    cause: /HTTPParserError|announced|LengthMismatch/,
  })),
  {
    name: "more announced than is taken",
    answer: (socket) => socket.write(`${ok}content-length: 1001\r\n\r\n`),
    cause: /announced more than 1000/,
  },
  {
    name: "both chunks and a length",
    answer: (socket) =>
      socket.write(`${ok}transfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n`),
    cause: /HTTPParserError/,
  },
  {
    name: "a body that comes a little at a time",
    answer: (socket) => drip(socket, "a", `${ok}content-length: 900\r\n\r\n`),
    ...{ cause: /TimeoutError/, limits: soonOver },
  },
  {
    name: "a body that stops",
    answer: (socket) => socket.write(`${ok}content-length: 900\r\n\r\nabc`),
    ...{ cause: /TimeoutError/, limits: soonOver },
  },
  {
    name: "a body without end or length",
    answer: (socket) => writeForEver(socket, Buffer.alloc(10_000), `${ok}\r\n`),
    cause: /sent more than 1000/,
  },
  {
    name: "chunks without end",
    answer: (socket) => writeForEver(socket, "1\r\na\r\n", chunked),
    cause: /sent more than 1000/,
  },
  {
    name: "one chunk of 4 GB",
    answer: (socket) => writeForEver(socket, Buffer.alloc(10_000), `${chunked}ffffffff\r\n`),
    cause: /sent more than 1000/,
  },
  {
    name: "a chunk larger than any number",
    answer: (socket) => socket.write(`${chunked}${"f".repeat(40)}\r\na`),
    cause: /HTTPParserError/,
  },
  {
    name: "notes beside a chunk without end",
    answer: (socket) => writeForEver(socket, "b".repeat(10_000), `${chunked}1;a=`),
    ...{ cause: /TimeoutError|HTTPParserError|HeadersOverflow/, limits: soonOver },
  },
  {
    name: "headers after the body without end",
    answer: (socket) => writeForEver(socket, "x-a: b\r\n", `${chunked}1\r\na\r\n0\r\n`),
    ...{ cause: /HeadersOverflow|TimeoutError/, limits: soonOver },
  },
  { name: "chunks cut short", answer: (socket) => socket.end(`${chunked}5\r\nabcde\r\n`), cause: /SocketError/ },
  {
    name: "less than its length",
    answer: (socket) => socket.end(`${ok}content-length: 900\r\n\r\nabc`),
    cause: /SocketError|ContentLength/,
  },
  {
    name: "a reset in the middle of the body",
    answer: (socket) =>
      void socket.write(`${ok}content-length: 900\r\n\r\nabc`, () => setImmediate(() => socket.resetAndDestroy())),
    cause: /ECONNRESET|SocketError|terminated/,
  },
]

/** Downloads and reads to the end, from a server that answers so; resolves once its connection has gone as well. */
async function meet(t: TestContext, { answer, cause, limits = {} }: Omit<Case, "name">): Promise<void> {
  let closed: Promise<unknown> | undefined
  const port = await serveBytes(t, (socket) => {
    closed = new Promise((resolve) => socket.once("close", resolve))
    answer(socket)
  })
  const { download } = loopback([port], { limits })
  const work = download(`http://127.0.0.1:${port}/`, wanted()).then(({ body }) => buffer(body))
  await failsWith(work, "url_fetch_failed", cause)
  await closed
}

describe("an answer with", () => {
  for (const { name, ...rest } of cases) it(name, { timeout: 10_000 }, (t) => meet(t, rest))

  it("more than its length ends where it said it would", async (t) => {
    const port = await serveBytes(t, (socket) => socket.end(`${ok}content-length: 3\r\n\r\nabcde${ok}\r\n`))
    const { body } = await loopback([port]).download(`http://127.0.0.1:${port}/`, wanted())
    assert.equal(await text(body), "abc")
  })

  it("an early hint before it is taken", async (t) => {
    const hint = "HTTP/1.1 103 Early Hints\r\nlocation: http://127.0.0.1/\r\n\r\n"
    const port = await serveBytes(t, (socket) => socket.end(`${hint}${ok}content-length: 3\r\n\r\nabc`))
    const { body } = await loopback([port]).download(`http://127.0.0.1:${port}/`, wanted())
    assert.equal(await text(body), "abc")
  })
})

describe("a compressed body", () => {
  const packed: Record<string, Buffer> = {
    gzip: gzipSync("picture"),
    "x-gzip": gzipSync("picture"),
    deflate: deflateSync("picture"),
    br: brotliCompressSync("picture"),
    zstd: zstdCompressSync("picture"),
    "gzip, identity": gzipSync("picture"),
    "identity, gzip": gzipSync("picture"),
    GZIP: gzipSync("picture"),
    compress: Buffer.from("picture"),
  }
  for (const [encoding, body] of Object.entries(packed))
    it(`is refused: ${encoding}`, async (t) => {
      const port = await serve(t, (_, response) => response.writeHead(200, { "content-encoding": encoding }).end(body))
      const work = loopback([port]).download(`http://127.0.0.1:${port}/`, wanted())
      await failsWith(work, "url_fetch_failed", /answered in/)
    })

  it("is refused however the name of the header is written, and where it is there twice", async (t) => {
    for (const head of ["CONTENT-ENCODING: br", "content-encoding: identity\r\nContent-Encoding: gzip"]) {
      const answer = (socket: Socket) => void socket.end(`${ok}${head}\r\ncontent-length: 3\r\n\r\nabc`)
      await meet(t, { answer, cause: /answered in/ })
    }
  })

  it("that says it is not compressed is taken as it is", async (t) => {
    const headers = { "content-encoding": "Identity" }
    const port = await serve(t, (_, response) => response.writeHead(200, headers).end(gzipSync("picture")))
    const { body } = await loopback([port]).download(`http://127.0.0.1:${port}/`, wanted())
    assert.deepEqual(await buffer(body), gzipSync("picture"))
  })
})
