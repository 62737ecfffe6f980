/** The installed browser, kept from calling home, and pages in it that remember every complaint. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--ignore-certificate-errors',
  '--host-resolver-rules=MAP portal.gov.example 127.0.0.1',
]

export const open = () => chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS })

/**
 * A window with cookies of its own. What the browser complains of is kept in `complaints`: errors on the console,
 * errors thrown, breaches of the content security policy. A status that a test provokes is named in `expected`.
 */
export async function windowOf(browser, { language = 'zh-CN', theme = 'dark', expected = [] } = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    locale: language,
    colorScheme: theme,
    reducedMotion: 'reduce',
    ignoreHTTPSErrors: true,
  })
  const page = await context.newPage()
  page.setDefaultTimeout(20_000)
  const complaints = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('dialog', (dialog) => complaints.push(`a script ran: ${dialog.message()}`))
  page.on('console', (message) => {
    if (message.type() !== 'error' && !/Content Security|Trusted/.test(message.text())) return
    const { url } = message.location()
    if (expected.some(([status, path]) => message.text().includes(`status of ${status} `) && url.endsWith(path))) return
    complaints.push(`${message.text()} ${url}`)
  })
  return {
    context,
    page,
    complaints,
    /** Closes the window; a complaint fails the test. */
    async close() {
      await context.close()
      assert.deepEqual(complaints, [])
    },
  }
}

/** Takes a picture where OUT says so. */
export async function picture(page, name) {
  if (!process.env.OUT) return
  await mkdir(process.env.OUT, { recursive: true })
  await page.screenshot({ path: join(process.env.OUT, `${name}.png`) })
}
