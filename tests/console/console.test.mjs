/** A shift at the console: real requests, what three administrators see of them, and what they may do about it. */
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { open, picture, windowOf } from './browser.mjs'
import { Pass, until } from './pass.mjs'

const ATTACK = "/search?q=1'%20OR%20'1'='1"
/** Addresses of this machine, one for each part in the play. */
const VISITOR = '127.0.0.2'
const ATTACKER = '127.0.0.3'
const GUESSER = '127.0.0.4'
const BANNED = '127.0.0.5'

let pass, browser
before(async () => {
  pass = await Pass.start()
  browser = await open()
})
after(async () => {
  await browser?.close()
  await pass?.stop()
})

/** Asked before anybody has signed in: whether there is a session. */
const NOBODY_YET = ['401', '/admin/session']

/** A window at the console with somebody signed in through the page. */
async function signedIn(user, { language = 'zh-CN', theme = 'dark', at = '/', expected = [] } = {}) {
  const window = await windowOf(browser, { language, theme, expected: [NOBODY_YET, ...expected] })
  const { page } = window
  await page.addInitScript(
    ([language, theme]) => {
      if (localStorage.getItem('hangu.language') === null) localStorage.setItem('hangu.language', language)
      if (localStorage.getItem('hangu.theme') === null) localStorage.setItem('hangu.theme', theme)
    },
    [language, theme],
  )
  await page.goto(`${pass.console}/console/#${at}`)
  await page.fill('#username', user)
  await page.fill('#password', pass.samples.passwords[user])
  await page.keyboard.press('Enter')
  await page.locator('.top').waitFor()
  return {
    ...window,
    heading: (name) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor(),
    row: (words) => page.locator('main tr[data-row]', { hasText: words }).first(),
    dialog: page.locator('.el-dialog:visible'),
    drawer: page.locator('.el-drawer:visible').first(),
    visit: async (path) => {
      await page.goto(`${pass.console}/console/#${path}`)
    },
  }
}

test('a wrong password is refused in the language of the page, and the right one opens it', async () => {
  const window = await windowOf(browser, { expected: [NOBODY_YET] })
  const { page } = window
  await page.goto(`${pass.console}/`)
  await page.locator('#username').waitFor()
  await picture(page, 'signin-first')
  for (const words of ['用户名或密码不正确', 'the user name or the password is wrong']) {
    await page.fill('#username', 'chen')
    await page.fill('#password', 'not it')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').filter({ hasText: words }).waitFor()
    assert.equal(await page.inputValue('#password'), '')
    await page.getByRole('button', { name: /^(中文|English|EN)$/ }).click()
  }
  await page.fill('#password', pass.samples.passwords.chen)
  await page.keyboard.press('Enter')
  await page.locator('.top').waitFor()
  await page.locator('.top').getByRole('button', { name: '退出' }).click()
  await page.locator('#username').waitFor()
  await page.reload()
  await page.locator('#username').waitFor()
  await window.close()
})

test('the overview is live: requests and an attack appear without being asked for', async () => {
  const { page, close, row, drawer } = await signedIn('chen')
  await page.locator('.fresh-live').waitFor()
  const total = async () => {
    const foot = await page
      .locator('section', { has: page.locator('#zone-internet') })
      .locator('.zone-foot')
      .innerText()
    return Number(/启动以来请求\s*([\d,]+)/.exec(foot)[1].replaceAll(',', ''))
  }
  const before = await total()
  for (let i = 0; i < 30; i += 1) assert.equal((await pass.send('internet', '/', { from: VISITOR })).status, 200)
  const refused = await pass.send('internet', ATTACK, { from: ATTACKER })
  assert.equal(refused.status, 403)
  assert.equal(JSON.parse(refused.text).reason, 'attack')
  await row('检测到攻击').filter({ hasText: ATTACKER }).waitFor()
  await until('the requests are counted', async () => (await total()) >= before + 31)
  await picture(page, 'overview')
  await row('检测到攻击').press('Enter')
  await drawer.getByText('GET portal.gov.example/search').waitFor()
  await picture(page, 'overview-event')
  await close()
})

test('password guessing raises an alert, which is worked on, and its ban is undone', async () => {
  const { page, close, row, drawer, dialog } = await signedIn('chen', { at: '/alerts' })
  for (const login of ['an', 'bo', 'cai', 'dai', 'en', 'fan', 'gao'])
    assert.equal((await pass.guess(login, 'guess', GUESSER)).status, 401)
  await until('the guesser is banned', () => pass.isShutOut(GUESSER))
  await row(GUESSER).waitFor()
  await picture(page, 'alerts')
  await row(GUESSER).press('Enter')
  await drawer.getByRole('button', { name: '撤销处置' }).waitFor()
  await page.waitForTimeout(500)
  await picture(page, 'alert')

  await drawer.getByRole('button', { name: '确认接手' }).click()
  await dialog.locator('textarea').fill('我来处理')
  await dialog.getByRole('button', { name: '确认接手' }).click()
  await drawer.getByText('我来处理').waitFor()

  await drawer.getByRole('button', { name: '撤销处置' }).click()
  await dialog.locator('textarea').fill('是演练')
  await dialog.getByRole('button', { name: '解除封禁' }).click()
  await drawer.getByText('已不再生效').waitFor()
  assert.equal(await pass.isShutOut(GUESSER), false)

  await drawer.getByRole('button', { name: '关闭告警' }).click()
  await dialog.getByText('误报', { exact: true }).click()
  await dialog.locator('textarea').fill('红队演练')
  await dialog.getByRole('button', { name: '关闭告警' }).click()
  await drawer.getByText('已关闭').first().waitFor()
  await picture(page, 'alert-closed')
  await close()
})

test('a ban stops real requests until it is lifted, and both need a reason', async () => {
  const { page, close, row, dialog, heading } = await signedIn('chen', { at: '/bans' })
  await heading('封禁')
  assert.equal(await pass.isShutOut(BANNED), false)
  await page.getByRole('button', { name: '新增封禁' }).click()
  await dialog.locator('input[maxlength]').fill(BANNED)
  await dialog.getByRole('button', { name: '封禁', exact: true }).click()
  assert.equal(await dialog.getByRole('alert').innerText(), '请填写“理由”。')
  await dialog.locator('textarea').fill('扫描')
  await picture(page, 'ban-add')
  await dialog.getByRole('button', { name: '封禁', exact: true }).click()
  await row(BANNED).waitFor()
  assert.match(await row(BANNED).innerText(), /扫描[\s\S]*u:chen/)
  assert.equal(await pass.isShutOut(BANNED), true)
  await picture(page, 'bans')

  await row(BANNED).getByRole('button', { name: '解除封禁' }).click()
  await dialog.locator('textarea').fill('误封')
  await dialog.getByRole('button', { name: '解除封禁' }).click()
  await row(BANNED).waitFor({ state: 'detached' })
  assert.equal(await pass.isShutOut(BANNED), false)
  await close()
})

test('what the gateway refuses about a ban is said where it was typed', async () => {
  const { page, close, dialog } = await signedIn('chen', {
    at: '/bans',
    expected: [
      ['422', '/admin/situational/bans'],
      ['409', '/admin/situational/bans'],
    ],
  })
  await page.getByRole('button', { name: '新增封禁' }).click()
  await dialog.locator('textarea').fill('试一试')
  for (const [value, said] of [
    ['nonsense', /“nonsense”不是地址/],
    ['127.0.0.0/24', /封禁您当前使用的地址/],
    ['0.0.0.0/0', /封禁/],
  ]) {
    await dialog.locator('input[maxlength]').fill(value)
    await dialog.getByRole('button', { name: '封禁', exact: true }).click()
    await dialog.getByRole('alert').filter({ hasText: said }).waitFor()
  }
  await close()
})

test('a refusal is explained by the number that the refused clerk was given', async () => {
  const refused = await pass.send('intranet', '/api/v1/people/1001/salary', { client: pass.clerk, from: VISITOR })
  assert.equal(refused.status, 403)
  const id = /urn:hangu:decision:([0-9a-f]{32})/.exec(refused.text)[1]
  const { page, close, row, heading } = await signedIn('chen', { at: '/policy' })
  await heading('策略')
  await row('/api/v1/people/:id/salary').waitFor()
  assert.match(await row('/api/v1/people/:id/salary').innerText(), /role:officer/)
  await picture(page, 'policy')
  await page.goto(`${pass.console}/console/#/policy?view=explain`)
  await page.getByPlaceholder('输入判定编号').fill(id)
  await page.keyboard.press('Enter')
  await page.getByText('没有规则命中；未声明的一律拒绝。').waitFor()
  const near = page.locator('li', { hasText: '/api/v1/people/:id/salary' })
  assert.match(await near.innerText(), /rules\.csv:\d+[\s\S]*role:officer[\s\S]*未满足[\s\S]*r\.sub = u:li/)
  await picture(page, 'policy-explain')
  await close()
})

test('an auditor finds the attack among the events, with its decision and the whole record, and can only read', async () => {
  const { page, context, close, row, drawer, dialog } = await signedIn('qian', { at: '/events' })
  await row('/search').waitFor()
  await picture(page, 'events')
  await page.getByText('登录', { exact: true }).first().waitFor()
  await page.goto(`${pass.console}/console/#/events?reason=attack&address=${ATTACKER}`)
  await row(ATTACKER).waitFor()
  await until('nothing else is listed', async () =>
    (await page.locator('main tr[data-row]').allInnerTexts()).every((text) => text.includes(ATTACKER)),
  )
  await row(ATTACKER).press('Enter')
  await drawer.locator('pre').waitFor()
  const raw = JSON.parse(await drawer.locator('pre').innerText())
  assert.equal(raw.status_code, 'attack')
  assert.equal(raw.src_endpoint.ip, ATTACKER)
  await picture(page, 'event')
  await drawer.getByRole('button', { name: '封禁来源地址' }).click({ force: true })
  await page.waitForTimeout(300)
  assert.equal(await dialog.count(), 0)
  await refusesAll(context, [
    ['POST', '/admin/situational/bans', { kind: 'address', value: '192.0.2.1', reason: 'x', minutes: 1 }],
    ['GET', '/admin/policy/current'],
    ['GET', '/admin/system/status'],
    ['POST', '/admin/system/reload'],
  ])
  await close()
})

test('system and security administrators may not read the log, nor each other’s pages', async () => {
  const system = await signedIn('sun', { at: '/policy' })
  await system.page.getByText('此项仅限安全管理员；您当前是系统管理员。').first().waitFor()
  await refusesAll(system.context, [
    ['GET', '/admin/audit/events'],
    ['GET', '/admin/policy/current'],
    ['GET', '/admin/situational/alerts'],
    ['POST', '/admin/situational/bans', { kind: 'address', value: '192.0.2.1', reason: 'x', minutes: 1 }],
  ])
  await picture(system.page, 'closed')
  await system.visit('/')
  await system.heading('总览')
  await picture(system.page, 'overview-system')
  assert.equal(await system.page.getByText('自打开本页以来没有拒绝。').count(), 0)
  await system.close()

  const security = await signedIn('chen', { at: '/system' })
  await security.page.getByText('此项仅限系统管理员；您当前是安全管理员。').first().waitFor()
  await refusesAll(security.context, [
    ['GET', '/admin/audit/events'],
    ['GET', '/admin/system/status'],
    ['POST', '/admin/system/reload'],
  ])
  await security.close()
})

/** Asks with the cookies of a window and its form token, so that nothing but the role stands in the way. */
async function refusesAll(context, calls) {
  const session = await (await context.request.get(`${pass.console}/admin/session`)).json()
  for (const [method, path, data] of calls) {
    const response = await context.request.fetch(`${pass.console}${path}`, {
      method,
      data,
      headers: { 'Hangu-Csrf': session.csrf },
    })
    assert.deepEqual([path, response.status(), (await response.json()).reason], [path, 403, 'role-may-not'])
  }
}

test('a call without the form token of the page is refused whatever the role', async () => {
  const { context, close } = await signedIn('sun')
  const response = await context.request.post(`${pass.console}/admin/system/reload`)
  assert.deepEqual([response.status(), (await response.json()).reason], [403, 'csrf-missing'])
  await close()
})

test('a broken configuration changes nothing and is shown with its position; a good one comes into force', async () => {
  const { page, close, dialog } = await signedIn('sun', { at: '/system', expected: [['422', '/admin/system/reload']] })
  const reload = async () => {
    await page.locator('main').getByRole('button', { name: '重新载入配置' }).click()
    await dialog.getByRole('button', { name: '重新载入配置' }).click()
  }
  await page.getByRole('heading', { name: '门户与上游' }).waitFor()
  await page.waitForTimeout(300)
  await picture(page, 'system')
  const good = await readFile(pass.config, 'utf8')
  const line = 1 + good.split('\n').findIndex((text) => text.startsWith('grace = '))
  await writeFile(pass.config, good.replace('\ngrace = ', '\ngrase = '))
  await reload()
  await page.getByText(new RegExp(`hangu\\.toml:${line}:\\d+`)).waitFor()
  assert.match(await page.locator('.reload-result').innerText(), /新配置有 1 处错误，未生效[\s\S]*`grace`/)
  await picture(page, 'system-broken')
  assert.equal((await pass.send('internet', '/')).status, 200)

  await writeFile(pass.config, good)
  await reload()
  await page.locator('.reload-result', { hasText: /新配置已生效|配置没有变化/ }).waitFor()
  assert.equal(await page.getByText('上次载入失败').count(), 0)
  await close()
})

test('every page stands in English and in light as well, and the choice outlasts a reload', async () => {
  for (const [user, pages] of [
    [
      'chen',
      {
        '/': 'Overview',
        '/alerts': 'Alerts',
        '/callers': 'Callers',
        '/bans': 'Bans',
        '/policy': 'Policy',
        '/redaction': 'Redaction',
      },
    ],
    ['qian', { '/events': 'Events' }],
    ['sun', { '/system': 'System' }],
  ]) {
    const { page, close, heading, visit } = await signedIn(user, { theme: 'light' })
    await page.locator('.top').getByRole('button', { name: 'English' }).click()
    for (const [path, name] of Object.entries(pages)) {
      await visit(path)
      await heading(name)
      await page.waitForTimeout(700)
      await picture(page, `light-${name.toLowerCase()}`)
    }
    await page.reload()
    await heading(Object.values(pages).at(-1))
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en-US')
    await close()
  }
})
