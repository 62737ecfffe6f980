/**
 * Opens every page in both languages and both themes, takes a picture of each, and fails on an axe
 * violation, a breach of the content security policy, or an error in the browser's console.
 * CHROMIUM names the browser; OUT is where the pictures go; ONLY narrows to pages whose name matches,
 * WIDTH sets another width than 1440.
 */
import axe from 'axe-core'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open } from './browser.mjs'
import * as gateway from './server.mjs'

const OUT = process.env.OUT ?? join(tmpdir(), 'hangu-console')
const WIDTH = Number(process.env.WIDTH ?? 1440)
const ONLY = new RegExp(process.env.ONLY ?? '')

const row =
  (n = 0) =>
  async (page) => {
    await page.locator('main tr[data-row]').nth(n).press('Enter')
    await page.locator('.el-drawer:visible').first().waitFor()
    await page.waitForTimeout(500)
  }
const press =
  (name, scope = 'main') =>
  async (page) => {
    await page.locator(scope).getByRole('button', { name }).first().click()
    await page.waitForTimeout(400)
  }
const run = async (page) => {
  await page.locator('main form button[type=submit]').click()
  await page.locator('main .panel').nth(1).waitFor()
  await page.waitForTimeout(300)
}
/** Fills in a request; the fields stand in the order of the model, the caller first unless nobody asks for one. */
const fill = async (page, change) => {
  const request = {
    sub: 'u:li',
    dom: 'hr',
    src: 'zone:intranet',
    host: 'hr.gov.example',
    path: '/api/v1/people/10086/salary',
    act: 'GET',
    ...change,
  }
  const values = Object.values(request).filter((value) => value !== undefined)
  for (const [i, value] of values.entries())
    await page.locator('main .fields').first().locator('input').nth(i).fill(value)
}
const edited = async (page) => {
  await page.locator('main .part').first().waitFor()
  await page.locator('main .part').nth(3).locator('select').first().selectOption('2')
  await page.locator('main .side h3').nth(2).waitFor()
}
/** Name, role that looks, address, and what to do before looking. */
const VIEWS = [
  ['signin', undefined, '/'],
  ['overview', 'chen', '/', (page) => page.waitForTimeout(3200)],
  ['overview-auditor', 'qian', '/'],
  ['events', 'qian', '/events'],
  ['events-filtered', 'qian', '/events?outcome=refused&zone=internet'],
  ['event', 'qian', '/events?outcome=refused', row(1)],
  ['alerts', 'chen', '/alerts'],
  ['alerts-closed', 'chen', '/alerts?status=closed'],
  ['alert', 'chen', '/alerts', row()],
  ['alert-auditor', 'qian', '/alerts', row()],
  [
    'alert-close',
    'chen',
    '/alerts',
    async (page) => {
      await row(2)(page)
      await press(/关闭告警|^Close$/, '.el-drawer')(page)
    },
  ],
  ['callers', 'chen', '/callers'],
  ['callers-end', 'chen', '/callers', press(/结束会话|End sessions/)],
  ['bans', 'chen', '/bans'],
  ['bans-add', 'chen', '/bans', press(/新增封禁|Add a ban/)],
  ['policy', 'chen', '/policy'],
  ['policy-roles', 'chen', '/policy?view=roles'],
  ['policy-statements', 'chen', '/policy?view=statements'],
  ['policy-statements-auditor', 'qian', '/policy?view=statements'],
  ['policy-explain', 'chen', '/policy?decision=DECISION'],
  ['policy-model', 'chen', '/policy?view=model'],
  ['policy-lint', 'chen', '/policy/tools', run],
  ['policy-prove', 'chen', '/policy/tools?tool=prove', run],
  [
    'policy-test',
    'chen',
    '/policy/tools?tool=test',
    async (page) => {
      await page.locator('main input[type=checkbox]').check()
      await run(page)
      for (const summary of await page.locator('main details > summary').all()) await summary.click()
    },
  ],
  [
    'policy-why',
    'chen',
    '/policy/tools?tool=explain',
    (page) => fill(page, { host: 'hr.gov.example' }).then(() => run(page)),
  ],
  ['policy-who', 'chen', '/policy/tools?tool=who-can', (page) => fill(page, { sub: undefined }).then(() => run(page))],
  [
    'policy-what',
    'chen',
    '/policy/tools?tool=what-can',
    (page) => fill(page, { path: '', act: '' }).then(() => run(page)),
  ],
  ['policy-replay', 'qian', '/policy/tools?tool=replay', run],
  ['policy-diff', 'chen', '/policy/tools?tool=diff'],
  ['policy-editor', 'chen', '/policy/editor'],
  ['policy-editor-rule', 'chen', '/policy/editor?file=configs/policy/policy.csv&line=13', edited],
  [
    'policy-editor-deny',
    'chen',
    '/policy/editor?file=configs/policy/policy.csv&line=3',
    (page) => page.locator('main .part').first().waitFor(),
  ],
  [
    'policy-propose',
    'chen',
    '/policy/editor?file=configs/policy/policy.csv&line=13',
    async (page) => {
      await edited(page)
      await press(/提交变更…|Propose…/)(page)
      await page.locator('.el-dialog .el-radio').nth(1).click()
    },
  ],
  ['policy-editor-roles', 'chen', '/policy/editor?edit=roles'],
  [
    'policy-editor-role',
    'chen',
    '/policy/editor?edit=roles',
    async (page) => {
      await press(/新建角色关系|New role row/)(page)
      for (const [i, text] of ['u:zhou', 'role:officer', 'hr'].entries())
        await page.locator('main .fields input').nth(i).fill(text)
      await page.locator('main .side h3').nth(2).waitFor()
    },
  ],
  ['policy-editor-statements', 'chen', '/policy/editor?edit=statements'],
  [
    'policy-editor-refused',
    'chen',
    '/policy/editor?edit=statements',
    async (page) => {
      await press(/新断言|New statement/)(page)
      await page.locator('main .part textarea').fill('role:clerk never reaches any portal')
      await page.locator('main .part summary').click()
      await page.locator('main .part textarea').press('Control+Enter')
      await press(/提交变更…|Propose…/)(page)
      await page.locator('.el-dialog textarea').fill('试一试')
      await page.locator('.el-dialog button[type=submit]').click()
      await page.locator('.el-dialog .mistakes li').first().waitFor()
      await press(/取消|Cancel/, '.el-dialog')(page)
      await page.locator('main .statement + .mistakes').waitFor()
    },
  ],
  [
    'policy-editor-statement',
    'chen',
    '/policy/editor?edit=statements',
    async (page) => {
      await press(/新断言|New statement/)(page)
      await page.locator('main .part summary').click()
    },
  ],
  ['policy-revise', 'chen', '/policy/changes/56', press(/^修订$|^Revise$/, '.el-drawer')],
  [
    'policy-revised',
    'chen',
    '/policy/changes/56',
    async (page) => {
      await press(/^修订$|^Revise$/, '.el-drawer')(page)
      await page.locator('.el-dialog button[type=submit]').click()
      await page.locator('main .side h3').nth(2).waitFor()
      await press(/重新提交|Hand in/)(page)
    },
  ],
  ['policy-changes', 'chen', '/policy/changes'],
  ['policy-changes-auditor', 'qian', '/policy/changes'],
  ['policy-change', 'chen', '/policy/changes/57', (page) => page.waitForTimeout(600)],
  ['policy-change-own', 'chen', '/policy/changes/56', (page) => page.waitForTimeout(600)],
  ['policy-canary', 'chen', '/policy/changes', press(/^灰度$|^Canary$/)],
  [
    'redaction',
    'chen',
    '/redaction',
    async (page) => {
      await press(/填入示例|Fill in an example/)(page)
      await press(/^脱敏$|^Redact$/)(page)
      await page.locator('.level-pane').nth(3).waitFor()
    },
  ],
  [
    'redaction-refused',
    'chen',
    '/redaction',
    async (page) => {
      await page.locator('main textarea').fill('{"phone": ')
      await press(/^脱敏$|^Redact$/)(page)
      await page.locator('main .problem').waitFor()
    },
  ],
  [
    'redaction-reveal',
    'chen',
    '/redaction/reveal',
    async (page) => {
      await page.locator('main input').first().fill('83100083100')
      await page.locator('main textarea').fill('协查函 2026-118')
      await press(/^还原$|^Reveal$/)(page)
      await page.locator('main .panel h2').waitFor()
    },
  ],
  [
    'redaction-person',
    'qian',
    '/redaction/person',
    async (page) => {
      await page.locator('main input').first().fill('11010519491231002X')
      await page.locator('main textarea').fill('投诉 2026-31')
      await press(/^查找$|^Find$/)(page)
      await page.locator('main .panel h2').waitFor()
    },
  ],
  ['redaction-fields', 'chen', '/redaction/fields'],
  ['inspection', 'chen', '/inspection'],
  ['inspection-auditor', 'qian', '/inspection/events'],
  ['inspection-events', 'chen', '/inspection/events'],
  ['inspection-event', 'chen', '/inspection/events', row(2)],
  [
    'inspection-except',
    'chen',
    '/inspection/events',
    async (page) => {
      await row(2)(page)
      await press(/提出例外…|Propose an exception…/, '.el-drawer')(page)
      await page.locator('.el-dialog .tiles').waitFor()
      await page.waitForTimeout(300)
    },
  ],
  ['inspection-exceptions', 'chen', '/inspection/exceptions'],
  ['inspection-exception', 'chen', '/inspection/exceptions?id=12', (page) => page.waitForTimeout(600)],
  ['system', 'sun', '/system'],
  [
    'system-reload',
    'sun',
    '/system',
    async (page) => {
      await press(/重新载入配置|Reload configuration/)(page)
      await press(/重新载入配置|Reload configuration/, '.el-dialog')(page)
      await page.locator('.reload-result').waitFor()
    },
  ],
  ['closed', 'qian', '/system'],
  ['keys', 'chen', '/bans', (page) => page.keyboard.press('?').then(() => page.waitForTimeout(400))],
  [
    'stale',
    'chen',
    '/',
    async (page) => {
      await page.waitForTimeout(1500)
      await page.route('**/admin/situational/**', (route) => route.abort())
      gateway.breakStreams()
      await page.waitForTimeout(7500)
    },
  ],
]

await mkdir(OUT, { recursive: true })
const origin = await gateway.serve(0)
const browser = await open()
const { events } = await import('./data.mjs')
const decision = events.findLast((event) => event.reason === 'no-rule-allows').decision_id
let bad = 0

for (const theme of ['dark', 'light']) {
  for (const language of ['zh-CN', 'en-US']) {
    for (const [name, user, address, prepare] of VIEWS) {
      if (!ONLY.test(name)) continue
      const context = await browser.newContext({
        viewport: { width: WIDTH, height: 900 },
        locale: language,
        reducedMotion: 'reduce',
        bypassCSP: false,
      })
      const page = await context.newPage()
      const complaints = []
      page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
      page.on('pageerror', (error) => complaints.push(String(error)))
      await page.addInitScript(
        ([theme, language]) => {
          localStorage.setItem('hangu.theme', theme)
          localStorage.setItem('hangu.language', language)
        },
        [theme, language],
      )
      if (user !== undefined) {
        await context.request.post(`${origin}/admin/session`, { data: { username: user, password: 'x' } })
      }
      await page.goto(`${origin}/console/#${address.replace('DECISION', decision)}`)
      await page.waitForSelector('h1')
      await page.waitForTimeout(700)
      await prepare?.(page)
      await page.screenshot({ path: join(OUT, `${name}-${language.slice(0, 2)}-${theme}.png`) })
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
      // Signing in asks whether a session exists, and the browser reports the 401; `stale` cuts the line.
      const expected = /401 \(Unauthorized\)|ERR_FAILED|ERR_INCOMPLETE|422/
      const errors = complaints.filter((text) => !expected.test(text))
      bad += violations.length + errors.length
      console.log(`${violations.length + errors.length === 0 ? 'ok ' : 'BAD'} ${name} ${language} ${theme}`)
      for (const text of new Set(errors)) console.log(`    console: ${text}`)
      for (const { id, impact, help, nodes } of violations) {
        console.log(`    axe ${impact} ${id}: ${help} (${nodes.length})`)
        for (const node of nodes.slice(0, 3))
          console.log(`        ${node.target.join(' ')} ${node.failureSummary.split('\n')[1]?.trim() ?? ''}`)
      }
      await context.close()
    }
  }
}
await browser.close()
gateway.stop()
console.log(`${bad === 0 ? 'nothing wrong' : `${bad} wrong`}; pictures in ${OUT}`)
process.exit(bad === 0 ? 0 : 1)
