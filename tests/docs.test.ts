// The page at /docs in a real browser: it shows the API, and loads nothing from elsewhere.
import assert from "node:assert/strict"
import { existsSync } from "node:fs"
import { mkdtemp } from "node:fs/promises"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { after, before, describe, it } from "node:test"
import { chromium } from "playwright-core"
import type { Browser } from "playwright-core"
import { createKey } from "../server/accounts/keys.ts"
import { defaultProject } from "../server/accounts/projects.ts"
import { composeAtelier } from "../server/compose.ts"
import type { Atelier } from "../server/compose.ts"
import { readConfig } from "../server/config.ts"
import { allProviders } from "../server/providers/all.ts"

const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync)
const skip = executablePath === undefined ? "no Chromium on this machine" : false

// Without these, Chromium itself calls home.
const quiet = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
]

describe("the page at /docs", { skip }, () => {
  let atelier: Atelier
  let browser: Browser

  before(async () => {
    const folder = await mkdtemp(join(tmpdir(), "atelier-docs-"))
    atelier = await composeAtelier(readConfig({ ATELIER_DATA: folder, ATELIER_LOG_LEVEL: "silent" }, allProviders))
    await atelier.server.listen({ host: "127.0.0.1", port: 0 })
    browser = await chromium.launch({ executablePath: executablePath!, args: quiet })
  })
  after(async () => {
    await browser.close()
    await atelier.stop()
  })

  it("shows every group of routes and asks no other host for anything", async () => {
    const origin = `http://127.0.0.1:${(atelier.server.server.address() as AddressInfo).port}`
    const page = await browser.newPage()
    const asked: string[] = []
    const complaints: string[] = []
    page.on("request", (request) => asked.push(request.url()))
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()))
    page.on("pageerror", (error) => complaints.push(String(error)))
    await page.goto(`${origin}/docs`, { waitUntil: "networkidle" })
    await page.getByRole("heading", { name: "Generations", level: 2 }).first().waitFor()
    for (const name of ["Start generating pictures", "Follow a generation as server-sent events"])
      await page.getByText(name).first().waitFor()
    for (const group of ["Pictures", "Models", "OpenAI", "AIHubMix", "Server"])
      assert.ok((await page.getByText(group, { exact: true }).count()) > 0, group)
    assert.ok(asked.some((url) => url === `${origin}/openapi.json`))
    assert.deepEqual(
      asked.filter((url) => !url.startsWith(`${origin}/`) && !/^(?:data|blob):/.test(url)),
      [],
    )
    assert.deepEqual(complaints, [])
  })

  it("sends a request with the key that was typed in", async () => {
    const { server, app } = atelier
    const page = await browser.newPage()
    await page.goto(`http://127.0.0.1:${(server.server.address() as AddressInfo).port}/docs`, {
      waitUntil: "networkidle",
    })
    await page
      .getByPlaceholder("Token")
      .first()
      .fill(await createKey(app, defaultProject, "test"))
    await page.getByText("List the project's generations, newest first").first().click()
    await page.getByRole("button", { name: /Test Request.*get \/v1\/generations\)/i }).click()
    const answered = page.waitForResponse((response) => response.url().includes("/v1/generations?"))
    await page.getByRole("button", { name: /^Send/ }).first().click()
    assert.equal((await answered).status(), 200)
  })
})
