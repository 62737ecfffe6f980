/** A night on duty in the built console: each step is a sentence that can be false. */
import assert from 'node:assert/strict'
import { open } from './browser.mjs'
import * as gateway from './server.mjs'

const origin = await gateway.serve(0)
const browser = await open()
const context = await browser.newContext({ locale: 'zh-CN', reducedMotion: 'reduce' })
const page = await context.newPage()
page.setDefaultTimeout(10_000)
const complaints = []
page.on('dialog', (dialog) => complaints.push(`a script ran: ${dialog.message()}`))
page.on('pageerror', (error) => complaints.push(String(error)))
page.on('console', (message) => /Content Security|Trusted/.test(message.text()) && complaints.push(message.text()))

const text = (selector) => page.locator(selector).innerText()
const dialog = page.locator('.el-dialog:visible')
const drawer = page.locator('.el-drawer:visible').first()
const rowWith = (words) => page.locator('main tr[data-row]', { hasText: words })

async function signIn(user) {
  await page.fill('#username', user)
  await page.fill('#password', 'x')
  await page.keyboard.press('Enter')
  await page.locator('.top').waitFor()
}
const signOut = () => page.locator('.top').getByRole('button', { name: '退出' }).click()

const STEPS = {
  'the first field has the focus': async () => {
    await page.goto(`${origin}/console/`)
    await page.locator('#username').waitFor()
    assert.equal(await page.evaluate(() => document.activeElement.id), 'username')
  },
  'a wrong password is refused in Chinese and its field emptied': async () => {
    await page.fill('#username', 'chen')
    await page.fill('#password', 'wrong')
    await page.keyboard.press('Enter')
    await page.locator('[role=alert]').waitFor()
    assert.equal(await text('[role=alert]'), '用户名或口令不对')
    assert.equal(await page.inputValue('#password'), '')
  },
  'the address asked for is opened after signing in': async () => {
    await page.goto(`${origin}/console/#/callers`)
    await signIn('chen')
    await rowWith('u:bad').waitFor()
    assert.equal(await text('h1'), '访问者')
  },
  'the stream makes the overview live': async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('o')
    await page.locator('.fresh-live').waitFor()
    await page.locator('main tr[data-row]').first().waitFor()
  },
  'two keys open the bans': async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('b')
    await rowWith('203.0.113.7').waitFor()
  },
  'a ban without a reason is not sent': async () => {
    await page.getByRole('button', { name: '新增封禁' }).click()
    await dialog.locator('input[maxlength]').fill('nonsense')
    await dialog.getByRole('button', { name: '封禁', exact: true }).click()
    assert.equal(await dialog.locator('[role=alert]').innerText(), '请填写“理由”。')
  },
  'what the gateway refuses is explained where it was typed': async () => {
    await dialog.locator('textarea').fill('扫描')
    await dialog.getByRole('button', { name: '封禁', exact: true }).click()
    await dialog.getByText('地址格式不对').waitFor()
  },
  'a ban that is right appears with its end': async () => {
    await dialog.locator('input[maxlength]').fill('192.0.2.99')
    await dialog.getByRole('button', { name: '4 小时' }).click()
    await dialog.getByRole('button', { name: '封禁', exact: true }).click()
    await rowWith('192.0.2.99').waitFor()
    assert.match(await rowWith('192.0.2.99').innerText(), /4小时后[\s\S]*扫描[\s\S]*chen/)
  },
  'a ban is lifted only with a reason': async () => {
    await rowWith('192.0.2.99').getByRole('button', { name: '解除封禁' }).click()
    await dialog.getByRole('button', { name: '解除封禁' }).click()
    assert.equal(await dialog.locator('[role=alert]').innerText(), '请填写“解除理由”。')
    await dialog.locator('textarea').fill('误封')
    await dialog.getByRole('button', { name: '解除封禁' }).click()
    await rowWith('192.0.2.99').waitFor({ state: 'detached' })
  },
  'j and Enter open the worst alert, and the address names it': async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('a')
    await rowWith('SQL 注入').waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await drawer.getByText('告警 a-0193').waitFor()
    assert.match(page.url(), /id=a-0193/)
  },
  'what the gateway did is undone with a reason': async () => {
    await drawer.getByRole('button', { name: '撤销处置' }).click()
    await dialog.locator('textarea').fill('是我们自己的扫描')
    await dialog.getByRole('button', { name: '解除封禁' }).click()
    await drawer.getByText('已不再生效').waitFor()
  },
  'an acknowledged alert leaves the queue and keeps the note': async () => {
    await drawer.getByRole('button', { name: '确认接手' }).click()
    await dialog.locator('textarea').fill('我来处理')
    await dialog.getByRole('button', { name: '确认接手' }).click()
    await drawer.getByText('我来处理').waitFor()
    await rowWith('SQL 注入').waitFor({ state: 'detached' })
  },
  'Escape closes the drawer and gives the address back': async () => {
    await page.keyboard.press('Escape')
    await page.waitForURL((url) => !url.href.includes('id='))
    await page.waitForFunction(() => document.title === '(4) 函谷控制台')
  },
  'an alert opens from its address though it moved to another queue': async () => {
    await page.goto(`${origin}/console/#/alerts?id=a-0193`)
    await page.reload()
    await drawer.getByText('我来处理').waitFor()
    await page.keyboard.press('Escape')
  },
  'a decision is explained with its nearest misses': async () => {
    const { events } = await import('./data.mjs')
    const id = events.findLast((event) => event.reason === 'no-rule-allows').decision_id
    await page.goto(`${origin}/console/#/policy?view=explain`)
    await page.getByPlaceholder('输入判定编号').fill(id)
    await page.keyboard.press('Enter')
    await page.getByText('r.ctx.dev >= 60: 55 is below 60').waitFor()
  },
  'a filter of two words narrows the rules to those with both': async () => {
    await page.goto(`${origin}/console/#/policy`)
    await page.keyboard.press('/')
    await page.keyboard.type('officer salary')
    await page.getByText('符合筛选：1 条').waitFor()
    assert.equal(await page.locator('main tr[data-row]').count(), 1)
  },
  'a tool names who can, and what has to hold': async () => {
    await page.goto(`${origin}/console/#/policy/tools?tool=who-can`)
    await page.getByLabel('主机').fill('hr.gov.example')
    await page.getByLabel('路径').fill('/api/v1/people/1/salary')
    await page.getByRole('button', { name: '运行' }).click()
    await page.locator('summary', { hasText: 'u:zhao' }).waitFor()
    assert.match(await text('details[open]'), /视条件而定[\s\S]*r\.ctx\.aal >= 3/)
  },
  'a request out of a result is explained clause by clause': async () => {
    await page.goto(`${origin}/console/#/policy/tools`)
    await page.getByRole('button', { name: '运行' }).click()
    await page.getByRole('button', { name: '解释', exact: true }).first().click()
    await page.getByLabel('风险').waitFor()
    assert.equal(await page.getByLabel('风险').inputValue(), '80')
    await page.getByRole('button', { name: '运行' }).click()
    await page.locator('.clauses').first().waitFor()
    assert.match(await text('.decision-head'), /禁止[\s\S]*被规则明确禁止/)
  },
  'a rule is opened from the list and its text follows the form': async () => {
    await page.goto(`${origin}/console/#/policy`)
    await page.keyboard.press('/')
    await page.keyboard.type('officer salary')
    await page.locator('main tr[data-row]').getByRole('button', { name: '编辑' }).click()
    await page.getByLabel('认证强度至少').selectOption('2')
    await page.locator('.side .row-text', { hasText: 'r.ctx.aal >= 2 && r.ctx.dev >= 70' }).waitFor()
  },
  'what a draft would change and which test it breaks is seen before it is proposed': async () => {
    await page.getByText('1 处新获准').waitFor()
    await page.getByText('双因素不够查询薪资').waitFor()
    await page.getByRole('button', { name: '提交变更…' }).click()
    await dialog.getByRole('button', { name: '提交', exact: true }).click()
    assert.equal(await dialog.locator('[role=alert]').innerText(), '请填写理由。')
    await dialog.locator('textarea').fill('放宽')
    await dialog.getByRole('button', { name: '提交', exact: true }).click()
    await dialog.locator('[role=alert]', { hasText: 'expected denied, is allowed' }).waitFor()
    await dialog.getByRole('button', { name: '取消' }).click()
  },
  'a condition that does not load is told at its place, and cannot be proposed': async () => {
    await page.getByLabel('其他条件').fill('r.ctx.nope > 1')
    await page.locator('main .mistakes', { hasText: 'policy.csv:13' }).waitFor()
    await page.locator('[aria-disabled=true]', { hasText: '提交变更…' }).waitFor()
    await page.getByRole('button', { name: '放弃草稿' }).click()
    await dialog.getByRole('button', { name: '放弃草稿' }).click()
    await page.getByText('还没有修改。在左侧').waitFor()
  },
  'a new rule is written without writing a row, and proposed': async () => {
    await page.getByRole('button', { name: '新建规则' }).click()
    await page.getByText('还缺：').waitFor()
    await page.getByLabel('角色', { exact: true }).last().fill('clerk')
    await page.getByLabel('部门', { exact: true }).fill('hr')
    await page.getByLabel('门户主机').fill('hr.gov.example')
    await page.getByLabel('路径').fill('/api/v1/photos/:id, 原图')
    await page.getByLabel('脱敏级别').selectOption('L2')
    await page.getByText('+', { exact: true }).waitFor()
    assert.equal(
      await text('.side .row-text'),
      'p, role:clerk, hr, *, hr.gov.example, "/api/v1/photos/:id, 原图", ^GET$, true, allow, redact:L2',
    )
    await page.getByRole('button', { name: '提交变更…' }).click()
    await dialog.locator('textarea').fill('职员查看照片')
    await dialog.getByRole('button', { name: '提交', exact: true }).click()
    await drawer.getByText('还差 1 人', { exact: true }).waitFor()
    assert.match(await drawer.innerText(), /待批准[\s\S]*职员查看照片[\s\S]*1 处新获准/)
  },
  'an author cannot approve their own change, and is told so': async () => {
    const approve = drawer.locator('[aria-disabled=true]', { hasText: '批准' }).first()
    assert.match(await approve.innerText(), /作者不能批准自己的变更。/)
    // The dialog in which it was proposed may still be on its way out.
    await dialog.waitFor({ state: 'hidden' })
    await approve.click({ force: true })
    await page.waitForTimeout(300)
    assert.equal(await dialog.count(), 0)
  },
  'the last approval that was missing approves the change of another': async () => {
    await page.goto(`${origin}/console/#/policy/changes/57`)
    await drawer.getByText('2 / 3 人批准').waitFor()
    await drawer.getByRole('button', { name: '批准', exact: true }).click()
    await dialog.locator('textarea').fill('同意')
    await dialog.getByRole('button', { name: '批准', exact: true }).click()
    await drawer.getByText('3 / 3 人批准').waitFor()
    await drawer.locator('[aria-disabled=true]', { hasText: '变更 c-55 正在试行' }).first().waitFor()
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
  },
  'a candidate is stopped with a reason': async () => {
    await page.getByRole('button', { name: '停止并退回', exact: true }).click()
    await dialog.getByRole('button', { name: '停止并退回' }).click()
    assert.equal(await dialog.locator('[role=alert]').innerText(), '请填写“理由”。')
    await dialog.locator('textarea').fill('差异太多')
    await dialog.getByRole('button', { name: '停止并退回' }).click()
    await page.getByText('没有正在试行的变更。').waitFor()
    assert.match(await rowWith('c-55').innerText(), /已退回/)
  },
  'a role is given in a form, what it brings is seen, and it is kept and taken away again': async () => {
    await page.goto(`${origin}/console/#/policy/editor?edit=roles`)
    await page.getByRole('button', { name: '新建角色关系' }).click()
    await page.getByText('还缺：').waitFor()
    await page.getByLabel('成员（访问者）').fill('u:zhou')
    await page.getByLabel('角色', { exact: true }).last().fill('officer')
    await page.getByLabel('部门', { exact: true }).fill('hr')
    assert.equal(await text('.side .row-text'), 'g, u:zhou, role:officer, hr')
    await page.getByText('新增角色关系').waitFor()
    await page.getByText('1 处新获准').waitFor()
    await page.getByRole('button', { name: '放入草稿' }).click()
    await page.getByLabel('筛选成员、角色、部门').fill('u:zhou')
    await rowWith('u:zhou').getByRole('button', { name: '编辑' }).click()
    await page.getByRole('button', { name: '删除', exact: true }).click()
    await page.getByText('还没有修改。在左侧').waitFor()
  },
  'a statement that does not hold is refused with a request that shows it, where it is written': async () => {
    await page.getByText('断言', { exact: true }).click()
    await page.getByRole('button', { name: '新断言' }).click()
    await page.keyboard.type('role:clerk never reaches any portal')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('button', { name: '提交变更…' }).click()
    await dialog.locator('textarea').fill('停用职员')
    await dialog.getByRole('button', { name: '提交', exact: true }).click()
    await dialog.getByText('断言不成立').waitFor()
    await dialog.getByRole('button', { name: '取消' }).click()
    await page.locator('main .statement + .mistakes', { hasText: 'hr.gov.example/api/v1/people/1' }).waitFor()
    await page.getByRole('button', { name: '删除断言：role:clerk never reaches any portal' }).click()
    await page.getByText('还没有修改。在左侧').waitFor()
  },
  'an author takes a change back, mends it, and its approvals lapse once it is handed in': async () => {
    await page.goto(`${origin}/console/#/policy/changes/56`)
    await drawer.getByText('1 / 2 人批准').waitFor()
    await drawer.getByRole('button', { name: '修订' }).click()
    await dialog.getByText('已有的 1 份批准（zhou）作废').waitFor()
    await dialog.getByRole('button', { name: '修订' }).click()
    await page.getByText('正在修订变更 c-56').waitFor()
    await page.getByText('已有的 1 份批准（zhou）作废').waitFor()
    await rowWith('r.ctx.risk >= 70').getByRole('button', { name: '编辑' }).click()
    await page.getByLabel('风险不低于').fill('75')
    await page.keyboard.press('Tab')
    await page.locator('.side .row-text', { hasText: 'r.ctx.risk >= 75' }).waitFor()
    await page.getByRole('button', { name: '重新提交 c-56…' }).click()
    await page.waitForTimeout(300)
    assert.equal(await dialog.locator('textarea').inputValue(), '收紧外联单位夜间访问')
    await dialog.getByRole('button', { name: '提交', exact: true }).click()
    await drawer.getByText('策略变更 c-56').waitFor()
    await drawer.getByText('r.ctx.risk >= 75').first().waitFor()
    assert.match(await drawer.innerText(), /待批准[\s\S]*0 \/ \d 人批准[\s\S]*修订[\s\S]*提交审批/)
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
  },
  'another cannot revise a change, and is told who can': async () => {
    await page.goto(`${origin}/console/#/policy/changes/57`)
    await drawer.locator('[aria-disabled=true]', { hasText: '只有作者 lin 可以修订。' }).waitFor()
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
  },
  'a body is shown at each level with what was changed, and clearing leaves nothing of it': async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('r')
    await page.getByLabel('正文').fill('{"name": "张三丰", "phone": "13800138000"}')
    await page.getByRole('button', { name: '脱敏', exact: true }).click()
    await page.locator('.level-pane').nth(3).waitFor()
    assert.match(await page.locator('.level-pane').nth(1).innerText(), /手机号 1[\s\S]*改动 2 处[\s\S]*138\*{4}8000/)
    assert.deepEqual(await page.locator('.level-pane').nth(0).locator('mark').allInnerTexts(), ['138****8000'])
    await page.getByLabel('正文').fill('{"phone": ')
    await page.getByText('下面是之前的结果').waitFor()
    await page.getByRole('button', { name: '脱敏', exact: true }).click()
    await page.locator('.problem', { hasText: '正文不是有效的' }).waitFor()
    await page.getByRole('button', { name: '清空' }).click()
    assert.equal(await page.getByLabel('正文').inputValue(), '')
    assert.equal(await page.locator('.level-pane, main .problem').count(), 0)
  },
  'fields that carry personal data are found by word': async () => {
    await page.getByRole('link', { name: '已发现的字段' }).click()
    await rowWith('$.id_no').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('hr 手机')
    await page.getByText('符合筛选：1 条').waitFor()
    assert.match(await rowWith('$.phone').innerText(), /18,198/)
  },
  'sessions are ended and the button says that none are left': async () => {
    await page.goto(`${origin}/console/#/callers`)
    await rowWith('u:bad').getByRole('button', { name: '结束会话' }).click()
    await dialog.getByRole('button', { name: '结束全部会话' }).click()
    await rowWith('u:bad').locator('[aria-disabled=true]').waitFor()
  },
  'a page the role may not open says who may': async () => {
    await page.goto(`${origin}/console/#/system`)
    assert.equal(await text('.closed'), '此项仅限系统管理员；您当前是安全管理员。')
  },
  'a false alarm is marked, and the mark moves the rule': async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('i')
    await rowWith('sqli-tautology').waitFor()
    assert.match(await rowWith('sqli-tautology').innerText(), /6\.3%/)
    await page.goto(`${origin}/console/#/inspection/events?rule=sqli-tautology`)
    await rowWith('/search').first().waitFor()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    await drawer.getByRole('button', { name: '标为误报' }).click()
    await drawer.getByText('u:chen').waitFor()
    await drawer.getByRole('button', { name: '取消误报标记' }).waitFor()
  },
  'an exception says what it would have let through, and wants a reason': async () => {
    await drawer.getByRole('button', { name: '提出例外…' }).click()
    await dialog.getByText('会放行的请求').first().waitFor()
    assert.match(await dialog.innerText(), /sqli-tautology[\s\S]*\/search[\s\S]*198\.51\.100\.80/)
    await dialog.getByRole('button', { name: '提交，等待批准' }).click()
    assert.equal(await dialog.locator('[role=alert]').innerText(), '请填写“理由”。')
    await dialog.getByLabel('理由').fill('居民会这样提问')
    await dialog.getByLabel('有效天数').fill('181')
    await dialog.getByRole('button', { name: '提交，等待批准' }).click()
    assert.equal(await dialog.locator('[role=alert]').innerText(), '天数应为 1 到 180 的整数。')
    await dialog.getByLabel('有效天数').fill('30')
    await dialog.getByRole('button', { name: '提交，等待批准' }).click()
    await drawer.getByText('居民会这样提问').waitFor()
    await drawer.locator('[aria-disabled=true]', { hasText: '批准' }).first().waitFor()
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
    await rowWith('待批准').nth(1).waitFor()
  },
  'an exception of a colleague is approved with a reason, and ends when somebody ends it': async () => {
    await page.goto(`${origin}/console/#/inspection/exceptions?id=12`)
    await drawer.getByText('其中已标为攻击').waitFor()
    await drawer.getByRole('button', { name: '批准', exact: true }).click()
    await dialog.locator('textarea').fill('目录确实带点')
    await dialog.getByRole('button', { name: '批准', exact: true }).click()
    await drawer.getByRole('button', { name: '立即结束' }).click()
    await dialog.locator('textarea').fill('已改名')
    await dialog.getByRole('button', { name: '立即结束' }).click()
    await drawer.getByText('已结束').first().waitFor()
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
  },
  'a value is brought back only with a reason': async () => {
    await page.goto(`${origin}/console/#/redaction/reveal`)
    await page.getByLabel('加密的值').fill('00080131831')
    await page.getByRole('button', { name: '还原', exact: true }).click()
    assert.equal(await text('main [role=alert]'), '请填写“理由”。')
    await page.getByLabel('理由').fill('协查函 2026-118')
    await page.getByRole('button', { name: '还原', exact: true }).click()
    await page.getByText('13813108000').waitFor()
  },
  'a session that the gateway forgot ends at the sign-in': async () => {
    await page.goto(`${origin}/console/#/bans`)
    await rowWith('u:bad').waitFor()
    gateway.forgetSessions()
    await page.getByRole('button', { name: '刷新' }).click()
    await page.getByText('会话已结束，请重新登录。').waitFor()
  },
  'an auditor filters refusals, and an attack in a path stays text': async () => {
    await signIn('qian')
    await page.goto(`${origin}/console/#/events?reason=attack`)
    await page.locator('main tr[data-row]').first().press('Enter')
    await drawer.locator('pre').waitFor()
    assert.match(await drawer.innerText(), /<img src=x onerror=alert\(1\)>\\u\{202e\}gpj\.exe/)
    assert.match(await drawer.locator('pre').innerText(), /^\{\n {2}"metadata": \{\n/)
    assert.equal(await page.locator('img').count(), 0)
  },
  'an auditor sees fields, may not try, and finds the events about a person': async () => {
    await page.goto(`${origin}/console/#/redaction`)
    await rowWith('$.points[].gps').getByText('曾原样送出').waitFor()
    await page.getByRole('link', { name: '查找当事人' }).click()
    await page.getByLabel('此人的号码').fill('13800138000')
    await page.getByLabel('理由').fill('投诉 2026-31')
    await page.getByRole('button', { name: '查找', exact: true }).click()
    await page.getByText('查看涉及此人的事件').click()
    await page.waitForURL((url) => /q=[a-p]{16}$/.test(url.href))
    await page.goto(`${origin}/console/#/events?reason=attack`)
    await page.locator('main tr[data-row]').first().press('Enter')
    await drawer.locator('pre').waitFor()
  },
  'a button the auditor may not press does nothing': async () => {
    await drawer.getByRole('button', { name: '封禁来源地址' }).click({ force: true })
    await page.waitForTimeout(300)
    assert.equal(await dialog.count(), 0)
  },
  'an auditor may ask the tools and read changes, and moves none': async () => {
    await page.goto(`${origin}/console/#/policy/changes`)
    await page.locator('[aria-disabled=true]', { hasText: '退回上一版' }).waitFor()
    assert.match(await text('.tabs'), /编辑[\s\S]*此项仅限安全管理员；您当前是审计员。/)
    await page.goto(`${origin}/console/#/events?reason=attack`)
    await page.locator('main tr[data-row]').first().press('Enter')
    await drawer.locator('pre').waitFor()
  },
  'Escape gives the focus back to the row, and j goes on from there': async () => {
    await page.keyboard.press('Escape')
    await drawer.waitFor({ state: 'hidden' })
    await page.waitForFunction(() => document.activeElement?.matches('tr[data-row]'))
    const focused = () =>
      page.evaluate(() => [...document.querySelectorAll('tr[data-row]')].indexOf(document.activeElement))
    const before = await focused()
    await page.keyboard.press('j')
    assert.equal(await focused(), before + 1)
  },
  'from an event its address leads to everything that came from there': async () => {
    await page.keyboard.press('Enter')
    const address = (await drawer.locator('dt', { hasText: '来源地址' }).locator('+ dd').innerText()).trim()
    await drawer.getByText('同一来源地址的事件').click()
    await page.waitForURL((url) => url.href.includes(`address=${encodeURIComponent(address).replaceAll('%3A', ':')}`))
    await drawer.waitFor({ state: 'hidden' })
    await page.waitForTimeout(500)
    for (const row of await page.locator('main tr[data-row]').allInnerTexts())
      assert.match(row, new RegExp(address.replaceAll('.', '\\.')))
  },
  'older pages are reached and left again': async () => {
    await page.goto(`${origin}/console/#/events`)
    const first = await text('nav .mono')
    await page.getByRole('button', { name: '较早' }).click()
    await page.waitForFunction((before) => document.querySelector('nav .mono')?.textContent !== before, first)
    await page.getByRole('button', { name: '最新' }).click()
    await page.locator('button[disabled]', { hasText: '最新' }).waitFor()
  },
  'a broken configuration changes nothing and shows each mistake at its place': async () => {
    await signOut()
    await page.locator('#username').waitFor()
    await signIn('sun')
    await page.goto(`${origin}/console/#/system`)
    await page.locator('main').getByRole('button', { name: '重新载入配置' }).click()
    await dialog.getByRole('button', { name: '重新载入配置' }).click()
    await page.getByText('configs/hangu.toml:84:3').waitFor()
    await page.getByText('新配置有 3 处错误，未生效').waitFor()
  },
  'a good configuration comes into force': async () => {
    await page.locator('main').getByRole('button', { name: '重新载入配置' }).click()
    await dialog.getByRole('button', { name: '重新载入配置' }).click()
    await page.getByText('新配置已生效').waitFor()
  },
  'language and theme change by key and outlast a reload': async () => {
    const before = await page.evaluate(() => document.documentElement.className)
    await page.keyboard.press('l')
    await page.keyboard.press('t')
    await page.getByRole('heading', { name: 'System' }).waitFor()
    await page.reload()
    await page.getByRole('heading', { name: 'System' }).waitFor()
    assert.notEqual(await page.evaluate(() => document.documentElement.className), before)
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en-US')
  },
  'single keys can be switched off': async () => {
    await page.keyboard.press('?')
    await dialog.locator('.el-switch').click()
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await page.keyboard.press('l')
    await page.waitForTimeout(200)
    assert.equal(await page.evaluate(() => document.documentElement.lang), 'en-US')
  },
  'no script ran, no error was thrown and the policy was kept': async () => {
    assert.deepEqual(complaints, [])
  },
}

let failed = false
for (const [name, step] of Object.entries(STEPS)) {
  try {
    await step()
    console.log(`ok  ${name}`)
  } catch (error) {
    failed = true
    console.log(`BAD ${name}\n    ${String(error.message).split('\n').slice(0, 12).join('\n    ')}`)
    if (process.env.OUT) await page.screenshot({ path: `${process.env.OUT}/walk-failed.png` })
    break
  }
}
await browser.close()
gateway.stop()
process.exit(failed ? 1 : 0)
