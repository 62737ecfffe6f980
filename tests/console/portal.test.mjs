/** A citizen at the sign-in page of a portal: in Chinese and in English, by day and by night. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { open, picture, windowOf } from './browser.mjs'
import { Pass } from './pass.mjs'

let pass, browser
before(async () => {
  pass = await Pass.start()
  browser = await open()
})
after(async () => {
  await browser?.close()
  await pass?.stop()
})

/** A service that only citizens who have signed in may use. */
const SERVICE = `/${encodeURIComponent('办事')}/${encodeURIComponent('公积金')}`
/** What the browser reports as an error though it is what was asked for; it looks for an icon by itself. */
const expected = [
  ['401', '/.hangu/sign-in'],
  ['403', SERVICE],
  ['403', '/favicon.ico'],
]
const WORDS = {
  'zh-CN': {
    lang: 'zh-CN',
    signIn: '登录',
    wrong: '用户名或密码不正确。',
    signOut: '退出登录',
    nobody: '您没有登录。',
    denied: '您没有这项操作的权限。',
  },
  'en-US': {
    lang: 'en',
    signIn: 'Sign in',
    wrong: 'The user name or the password is wrong.',
    signOut: 'Sign out',
    nobody: 'You are not signed in.',
    denied: 'You are not permitted to do this.',
  },
}

for (const [language, theme] of [
  ['zh-CN', 'light'],
  ['en-US', 'dark'],
]) {
  const words = WORDS[language]
  test(`a citizen signs in to the service they asked for, and out again, in ${language}`, async () => {
    const window = await windowOf(browser, { language, theme, expected })
    const { page, context } = window
    const heading = (name) => page.getByRole('heading', { name, exact: true }).waitFor()
    const service = `${pass.portal}${SERVICE}`
    const signIn = async (user, password) => {
      await page.fill('#login', user)
      await page.fill('#password', password)
      await page.getByRole('button', { name: words.signIn }).click()
    }

    await page.goto(service)
    await heading(words.signIn)
    assert.equal(await page.evaluate(() => document.documentElement.lang), words.lang)
    assert.equal(await page.evaluate(() => document.activeElement.id), 'login')
    assert.equal(new URL(page.url()).pathname, '/.hangu/sign-in')
    await picture(page, `portal-${language}-${theme}`)

    await signIn('wang', 'not it')
    await page.getByRole('alert').waitFor()
    assert.equal(await page.getByRole('alert').innerText(), words.wrong)
    assert.deepEqual(await context.cookies(), [])
    await picture(page, `portal-wrong-${language}-${theme}`)

    await signIn('wang', pass.samples.passwords.wang)
    await page.waitForURL(service)
    await page.getByRole('heading', { name: '住房公积金提取' }).waitFor()
    const [cookie] = await context.cookies()
    assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.path], [true, true, '/'])

    await page.goto(`${pass.portal}/.hangu/sign-out`)
    await page.getByText('王伟').waitFor()
    await picture(page, `portal-out-${language}-${theme}`)
    await page.getByRole('button', { name: words.signOut }).click()
    await heading(words.signIn)
    assert.deepEqual(await context.cookies(), [])
    await page.goto(`${pass.portal}/.hangu/sign-out`)
    await page.getByText(words.nobody).waitFor()
    await page.goto(service)
    await heading(words.signIn)
    await window.close()
  })

  test(`a clerk is told in ${language} that the service is not theirs, with a number and no rule`, async () => {
    const window = await windowOf(browser, { language, theme: theme === 'dark' ? 'light' : 'dark', expected })
    const { page } = window
    await page.goto(`${pass.portal}${SERVICE}`)
    await picture(page, `portal-${language}-${theme === 'dark' ? 'light' : 'dark'}`)
    await page.fill('#login', 'li')
    await page.fill('#password', pass.samples.passwords.li)
    await page.keyboard.press('Enter')
    await page.getByText(words.denied).waitFor()
    const said = await page.locator('main').innerText()
    assert.match(said, /\b[0-9a-f]{32}\b/)
    assert.doesNotMatch(said, /role:|rules\.csv|r\.ctx/)
    await picture(page, `portal-denied-${language}`)
    await window.close()
  })
}

test('a session is not kept beyond the host that made it', async () => {
  const window = await windowOf(browser, { expected })
  await window.page.goto(`${pass.portal}/.hangu/sign-in`)
  await window.page.fill('#login', 'wang')
  await window.page.fill('#password', pass.samples.passwords.wang)
  await window.page.keyboard.press('Enter')
  await window.page.waitForURL(`${pass.portal}/`)
  const [cookie] = await window.context.cookies()
  assert.match(cookie.name, /^__Host-/)
  assert.equal(cookie.sameSite, 'Lax')
  await window.close()
})
