/**
 * The policy's tools and changes of the imitation gateway. Requests are really judged by the rules, roughly: enough
 * that a rule that is edited shows what it does, and no more. Nothing here is the engine's.
 */
import * as world from './data.mjs'

const DAY = 86_400_000
const MINUTE = 60_000
const COLUMNS = ['sub', 'dom', 'src', 'host', 'path', 'act', 'cond', 'eft', 'obl']
const FIELDS = ['sub', 'dom', 'src', 'host', 'path', 'act', 'ctx']
const MATCHER = {
  dom: '(p.dom == "*" || r.dom == p.dom)',
  host: '(p.host == "*" || r.host == p.host)',
  src: '(p.src == "*" || g2(r.src, p.src))',
  sub: '(p.sub == "*" || g(r.sub, p.sub, r.dom))',
  act: '(p.act == "*" || regexMatch(r.act, p.act))',
  path: 'keyMatch2(r.path, p.path)',
}
const REVISIONS = ['r-32073435539daa26', 'r-9f0c41d27be85a13']
const RULES = 'configs/policy/policy.csv'
const ROLES = 'configs/policy/roles.csv'

const request = (sub, dom, src, host, path, act, ctx = {}) => ({
  sub,
  dom,
  src,
  host,
  path,
  act,
  ctx: { aal: 2, dev: 80, risk: 5, min: 600, dow: 3, cert: true, ...ctx },
})
const HR = ['hr', 'zone:intranet', 'hr.gov.example']
const CASES = [
  ['职员查询人员信息', true, request('u:li', ...HR, '/api/v1/people/10086', 'GET')],
  ['职员不能修改', false, request('u:li', ...HR, '/api/v1/people/10086', 'PUT')],
  ['主管查询薪资', true, request('u:zhao', ...HR, '/api/v1/people/10086/salary', 'GET', { aal: 3 })],
  ['双因素不够查询薪资', false, request('u:zhao', ...HR, '/api/v1/people/10086/salary', 'GET')],
  ['停职人员一律禁止', false, request('u:bad', ...HR, '/api/v1/people/10086', 'GET')],
  ['高风险一律禁止', false, request('u:li', ...HR, '/api/v1/people/10086', 'GET', { risk: 85 })],
  [
    '市民在线办事',
    true,
    request('u:wang', 'portal', 'zone:internet', 'portal.gov.example', '/办事/户籍迁移', 'POST', { aal: 1 }),
  ],
]
export const sources = {
  revision: REVISIONS[0],
  model: { name: 'configs/policy/model.conf', text: world.policy.model },
  rules: [
    { name: RULES, text: world.ruleText },
    {
      name: ROLES,
      text: `# 角色\n${world.policy.roles.map(({ kind, fields }) => `${[kind, ...fields].join(', ')}\n`).join('')}`,
    },
  ],
  cases: [
    {
      name: 'configs/policy/policy.policy-test.jsonl',
      text: CASES.map(([name, exp, r]) => `${JSON.stringify({ r, exp, name })}\n`).join(''),
    },
  ],
  columns: COLUMNS,
  fields: FIELDS,
}

/** A problem as the gateway words it. */
export class Refused extends Error {
  constructor(status, reason, title, titleZh, members = {}) {
    super(title)
    this.status = status
    this.document = { type: `urn:hangu:refusal:${reason}`, title, status, reason, title_zh: titleZh, ...members }
  }
}

/* The rules. */

const split = (line) => {
  const cells = []
  for (const [, quoted, plain] of line.matchAll(/\s*(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g)) {
    cells.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'))
  }
  // The expression matches once more at the very end, unless a field is empty there.
  return line.trimEnd().endsWith(',') ? cells : cells.slice(0, -1)
}

function load(files) {
  const policy = { rows: [], g: [], g2: [] }
  const mistakes = []
  for (const { name, text } of files) {
    text.split('\n').forEach((line, i) => {
      if (line.trim() === '' || line.startsWith('#')) return
      const [section, ...fields] = split(line)
      const mistake = (column, message, help) => mistakes.push({ file: name, line: i + 1, column, message, help })
      if (section === 'g') policy.g.push(fields)
      else if (section === 'g2') policy.g2.push(fields)
      else if (section !== 'p') mistake(1, `unknown section \`${section}\``, 'sections are p, g and g2')
      else if (fields.length !== COLUMNS.length) {
        mistake(1, `the row has ${fields.length} fields; the model defines ${COLUMNS.length}`, COLUMNS.join(', '))
      } else {
        const row = Object.fromEntries(COLUMNS.map((column, k) => [column, fields[k]]))
        const at = (column) => line.indexOf(row[column]) + 1
        const unknown = /\br\.ctx\.(?!aal|dev|risk|min|dow|cert)(\w+)/.exec(row.cond)
        if (unknown !== null) {
          mistake(
            line.indexOf(unknown[0]) + 1,
            `unknown attribute \`${unknown[1]}\``,
            'known are aal, cert, dev, dow, min, risk',
          )
        }
        if (!row.path.startsWith('/'))
          mistake(at('path'), `the path \`${row.path}\` begins with no slash`, 'write `/…`')
        try {
          new RegExp(row.act === '*' ? '' : row.act)
          row.test = new Function('r', `return Boolean(${row.cond})`)
        } catch (error) {
          mistake(at('cond'), String(error.message), 'close what is open')
        }
        policy.rows.push({ ordinal: policy.rows.length, file: name, line: i + 1, text: line, fields, ...row })
      }
    })
  }
  if (mistakes.length > 0) {
    throw new Refused(422, 'policy-refused', 'the candidate does not load', '候选策略无法载入', { mistakes })
  }
  return policy
}

function joins(edges, from, to, domain) {
  const seen = new Set([from])
  const queue = [from]
  for (const name of queue) {
    if (name === to) return true
    for (const [member, group, where] of edges) {
      if (member === name && (domain === undefined || where === domain) && !seen.has(group)) {
        seen.add(group)
        queue.push(group)
      }
    }
  }
  return false
}
const pattern = (path) =>
  new RegExp(
    `^${path
      .replace(/[.+^$()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/:[^/]+/g, '[^/]+')}$`,
  )

/** Whether each clause of the matcher holds for a row; undefined where the request does not say. */
function clauses(policy, row, r) {
  const known = (name, judge) =>
    row[name] === '*' && name !== 'path' ? true : r[name] === undefined ? undefined : judge()
  const parts = {
    dom: known('dom', () => r.dom === row.dom),
    host: known('host', () => r.host === row.host),
    src: known('src', () => joins(policy.g2, r.src, row.src)),
    sub: known('sub', () => joins(policy.g, r.sub, row.sub, r.dom)),
    act: known('act', () => new RegExp(row.act).test(r.act)),
    path: known('path', () => pattern(row.path).test(r.path)),
  }
  const found = Object.entries(parts).map(([name, holds]) => ({
    text: MATCHER[name],
    holds,
    saw: [[`p.${name}`, row[name]], ...(r[name] === undefined ? [] : [[`r.${name}`, String(r[name])]])],
  }))
  for (const part of row.cond.split('&&').map((one) => one.trim())) {
    if (part === 'true') continue
    const names = [...part.matchAll(/r\.ctx\.(\w+)/g)].map((match) => match[1])
    const all = names.every((name) => r.ctx?.[name] !== undefined)
    found.push({
      text: part,
      holds: all ? Boolean(new Function('r', `return ${part}`)(r)) : undefined,
      saw: names.map((name) => [`r.ctx.${name}`, String(r.ctx?.[name] ?? 'unknown')]),
    })
  }
  return found
}
const applies = (policy, row, r) => clauses(policy, row, r).every(({ holds }) => holds === true)

function decide(policy, r) {
  const rows = policy.rows.filter((row) => quick(row, r) && applies(policy, row, r))
  const denies = rows.filter((row) => row.eft === 'deny')
  if (denies.length > 0) return { effect: 'deny', grounds: 'explicit-deny', rows: denies }
  return rows.length > 0
    ? { effect: 'allow', grounds: 'rules', rows }
    : { effect: 'deny', grounds: 'no-rule-matched', rows }
}
const quick = (row, r) => (row.host === '*' || row.host === r.host) && (row.dom === '*' || row.dom === r.dom)

const view = ({ ordinal, file, line, eft, fields }) => ({ ordinal, file, line, effect: eft, fields })

/* The tools. */

function lint(policy) {
  const found = []
  const add = (row, severity, code, message, message_zh, help, others = [], sample) =>
    found.push({
      code,
      severity,
      file: row.file,
      line: row.line,
      message,
      message_zh,
      help,
      others,
      ...(sample && { sample }),
    })
  const members = new Set(policy.g.map(([, group]) => group))
  const seen = new Map()
  for (const row of policy.rows) {
    const place = `${row.file}:${row.line}`
    const same = seen.get(row.fields.slice(0, 8).join('\n'))
    if (same !== undefined) {
      add(row, 'warning', 'redundant', 'the row says what another says already', '此规则与另一条重复', 'remove one', [
        same,
      ])
    }
    seen.set(row.fields.slice(0, 8).join('\n'), place)
    if (row.sub.startsWith('role:') && !members.has(row.sub)) {
      add(
        row,
        'error',
        'dead-role',
        `role \`${row.sub}\` has no member: the row never applies`,
        `角色 ${row.sub} 没有成员，此规则永不生效`,
        'give it a member, or remove the row',
      )
    }
    if (row.eft === 'allow' && row.sub === '*' && row.path === '/*') {
      add(
        row,
        'warning',
        'broad',
        'the row allows everybody everything on this host',
        '此规则允许任何人访问该主机的一切',
        'name a role or a path',
      )
    }
    if (row.act !== '*' && !/^\^.*\$$/.test(row.act)) {
      add(
        row,
        'warning',
        'trap',
        `\`${row.act}\` is not anchored and matches methods that only contain it`,
        `容易误解的写法：${row.act} 没有锚定`,
        'write `^…$`',
      )
    }
    if (row.eft === 'deny') {
      const others = policy.rows
        .filter((one) => one.eft === 'allow')
        .slice(0, 18)
        .map((one) => `${one.file}:${one.line}`)
      add(
        row,
        'note',
        'conflict',
        `the row takes requests away from ${others.length} rows that allow`,
        `此规则从 ${others.length} 条放行规则中收回部分请求`,
        'nothing to do if it is meant as a guard rail',
        others,
        request('x', 'portal', 'zone:internet', 'portal.gov.example', '/static/app.css', 'GET', { risk: 80 }),
      )
    }
  }
  // Six hundred departments' roles have no members in this invented world: three are enough to look at.
  const dead = found.filter(({ code }) => code === 'dead-role')
  return found.filter(
    (one) => one.code !== 'dead-role' || dead.indexOf(one) < 2 || dead.indexOf(one) === dead.length - 1,
  )
}

function runTests(policy, files, faults) {
  const lines = []
  const cases = files.flatMap(({ name, text }) =>
    text
      .split('\n')
      .flatMap((line, i) => (line.trim() === '' ? [] : [{ file: name, line: i + 1, ...JSON.parse(line) }])),
  )
  const applied = new Set()
  let failed = 0
  for (const one of cases) {
    const { effect, rows } = decide(policy, one.r)
    for (const row of rows) applied.add(row)
    if ((effect === 'allow') === one.exp) continue
    failed++
    const by = rows.length === 0 ? 'no row' : rows.map((row) => `${row.file}:${row.line}`).join(', ')
    const message = `expected ${one.exp ? 'allowed' : 'denied'}, is ${effect === 'allow' ? 'allowed' : 'denied'} by ${by}`
    lines.push({ file: one.file, failure: { line: one.line, name: one.name ?? '', message } })
  }
  const missed = policy.rows.filter((row) => !applied.has(row)).slice(0, 60)
  const coverage = {
    rows: applied.size + missed.length,
    rows_applied: applied.size,
    rows_missed: missed.map((row) => `${row.file}:${row.line}`),
    conditions: 22,
    conditions_both_ways: 9,
    conditions_missed: missed
      .filter((row) => row.cond !== 'true')
      .slice(0, 13)
      .map(
        (row, i) =>
          `${row.file}:${row.line}: ${row.cond.split(' && ')[0]} (${i % 3 === 0 ? 'only true' : 'never reached'})`,
      ),
  }
  const survivor = (row, change, sample) => ({ file: row.file, line: row.line, change, sample })
  const [, , , blocked, , citizen, , clerk] = policy.rows
  lines.push({
    run: cases.length,
    failed,
    coverage,
    ...(faults && {
      faults: {
        tried: 177,
        noticed: 174,
        left_out: 0,
        survivors: [
          survivor(
            clerk,
            '`p.path` is `/*` and no longer `/api/v1/people/:id`',
            request('u:li', ...HR, '/1', 'GET', { dev: 60 }),
          ),
          survivor(
            citizen,
            '`r.ctx.aal >= 1` is dropped',
            request('u:wang', 'portal', 'zone:internet', 'portal.gov.example', '/办事/1', 'GET', { aal: 0 }),
          ),
          survivor(blocked, 'the role is taken away', null),
        ],
      },
    }),
  })
  return lines
}

function explain(policy, r) {
  const { effect, grounds, rows } = decide(policy, r)
  const accounts = policy.rows
    .map((row) => {
      const found = clauses(policy, row, r)
      return {
        rule: view(row),
        applies: found.every(({ holds }) => holds === true),
        failing: found.filter(({ holds }) => holds !== true).length,
        clauses: found.map(({ text, holds, saw }) => ({ text, value: String(holds ?? 'unknown'), saw })),
      }
    })
    .sort((a, b) => Number(b.applies) - Number(a.applies) || a.failing - b.failing)
    .slice(0, 6)
  return {
    decision: {
      effect,
      grounds,
      rules: rows.map(({ ordinal }) => ordinal),
      obligations: obligations(effect, rows),
      revision: REVISIONS[0],
    },
    rows: accounts,
    would_allow: effect === 'allow' ? [] : changesThatAllow(policy, r),
  }
}
const obligations = (effect, rows) =>
  Object.fromEntries(
    rows
      .flatMap(({ obl }) => obl.split(';'))
      .flatMap((part) => {
        const [name, value] = part.split(':')
        return name === '' || (effect === 'deny' && name !== 'log' && name !== 'alert')
          ? []
          : [[name === 'log' ? 'log_full' : name, name === 'log' ? true : value]]
      }),
  )
function changesThatAllow(policy, r) {
  const tries = [
    ['aal', 3],
    ['dev', 80],
    ['risk', 0],
    ['cert', true],
    ['min', 600],
    ['dow', 3],
  ]
  const set = (name, to) => ({ ...r, ctx: { ...r.ctx, [name]: to } })
  const alone = tries.filter(([name, to]) => r.ctx?.[name] !== to && decide(policy, set(name, to)).effect === 'allow')
  const found = alone.map(([name, to]) => ({
    set: [{ name: `r.ctx.${name}`, from: r.ctx?.[name] ?? null, to }],
    request: set(name, to),
  }))
  for (const [role, domain] of policy.g.flatMap(([member, group, where]) =>
    member.startsWith('u:') ? [[member, where, group]] : [],
  )) {
    if (found.length >= 3 || domain !== r.dom) continue
    const other = { ...r, sub: role }
    if (role !== r.sub && decide(policy, other).effect === 'allow') {
      found.push({ set: [{ name: 'r.sub', from: r.sub ?? null, to: role }], request: other })
    }
  }
  return found
}

function grants(policy, r) {
  const found = { allowed_by: [], denied_by: [] }
  for (const row of policy.rows) {
    const parts = clauses(policy, row, r)
    if (parts.some(({ holds }) => holds === false)) continue
    const grant = { rule: view(row), when: parts.filter(({ holds }) => holds === undefined).map(({ text }) => text) }
    found[row.eft === 'allow' ? 'allowed_by' : 'denied_by'].push(grant)
  }
  const surely = (list) => list.some(({ when }) => when.length === 0)
  const answer =
    surely(found.denied_by) || found.allowed_by.length === 0
      ? 'no'
      : surely(found.allowed_by) && found.denied_by.length === 0
        ? 'yes'
        : 'perhaps'
  return { answer, ...found }
}
function whoCan(policy, r) {
  const callers = [...new Set(policy.g.map(([member]) => member).filter((name) => !name.startsWith('role:')))].slice(
    0,
    12,
  )
  return [...callers, 'svc:tax-etl', null]
    .map((who) => ({ who, ...grants(policy, { ...r, sub: who ?? '\n' }) }))
    .filter(({ answer }) => answer !== 'no')
}

/** A request that a row is about, with everything that its condition could ask for. */
function sampleOf(policy, row) {
  const member = policy.g.find(([, group]) => group === row.sub)
  const value = (text, any) => (text === '*' ? any : text)
  const method = /[A-Z]+/.exec(row.act)?.[0] ?? 'GET'
  const zone = policy.g2.find(([, group]) => group === row.src)?.[0] ?? value(row.src, 'zone:extranet')
  const number = (name, sign) => Number(new RegExp(`${name} ${sign} (\\d+)`).exec(row.cond)?.[1] ?? 0)
  const sample = request(
    member?.[0] ?? value(row.sub, 'x'),
    value(row.dom, 'hr'),
    zone,
    value(row.host, 'hr.gov.example'),
    row.path.replace(/:[^/]+|\*/g, '1'),
    method,
    {
      aal: number('aal', '>='),
      dev: number('dev', '>='),
      risk: number('risk', '>='),
      min: number('min', '>='),
      cert: /cert/.test(row.cond),
    },
  )
  return sample
}
function diff(before, after) {
  const count = (policy) => policy.rows.reduce((all, row) => all.set(row.text, (all.get(row.text) ?? 0) + 1), new Map())
  const [was, is] = [count(before), count(after)]
  const region = (kind, row, policy) => {
    // A deny takes from those whom others allow: their requests show what it does.
    const others = row.eft === 'deny' ? policy.rows.slice(0, 12).filter(({ eft }) => eft === 'allow') : []
    const risky = others.map((one) => ({
      ...sampleOf(policy, one),
      ctx: { ...sampleOf(policy, one).ctx, risk: sampleOf(policy, row).ctx.risk },
    }))
    const flips = (one) => decide(before, one).effect !== decide(after, one).effect
    const sample = [sampleOf(policy, row), ...risky].find(flips) ?? sampleOf(policy, row)
    const [then, now] = [decide(before, sample).effect, decide(after, sample).effect]
    const members = policy.g.filter(([, group]) => group === row.sub).map(([member]) => member)
    return {
      kind,
      text: row.text,
      file: row.file,
      line: row.line,
      gained: then === 'deny' && now === 'allow' ? sample : null,
      lost: then === 'allow' && now === 'deny' ? sample : null,
      callers: row.sub === '*' ? null : Math.max(1, members.length),
      some: row.sub === '*' ? [] : members.length > 0 ? members.slice(0, 5) : [row.sub],
    }
  }
  return [
    ...before.rows.filter((row) => !is.has(row.text)).map((row) => region('row-removed', row, before)),
    ...after.rows.filter((row) => !was.has(row.text)).map((row) => region('row-added', row, after)),
  ]
}

function replay(policy, events) {
  const summary = { replayed: 0, same: 0, gained: 0, lost: 0, unjudged: 0, by_rule: {}, by_caller: {}, by_portal: {} }
  const lines = []
  const portals = Object.fromEntries(world.portals.map(({ name, hosts }) => [hosts[0], name]))
  for (const event of world.events.slice(-events)) {
    if (event.decision_id === null) continue
    summary.replayed++
    // The invented log was not made by the invented rules; three in a hundred of its decisions are let differ.
    if (event.index % 33 !== 0 || portals[event.host] === undefined) {
      if (event.index % 211 === 0) {
        summary.unjudged++
        lines.push({ id: event.decision_id, error: 'the request has no field `dom`' })
      } else summary.same++
      continue
    }
    const asked = request(event.caller, portals[event.host], `zone:${event.zone}`, event.host, event.path, event.method)
    const was = event.outcome === 'allowed' ? 'allow' : 'deny'
    const now = was === 'allow' ? 'deny' : 'allow'
    const row = policy.rows[event.index % 12]
    const rules_now = now === 'allow' ? [`${row.file}:${row.line}`] : []
    summary[now === 'allow' ? 'gained' : 'lost']++
    const tally = (table, key) => (table[key] = (table[key] ?? 0) + 1)
    for (const rule of [...rules_now, `${RULES}:${8 + (event.index % 5)}`]) tally(summary.by_rule, rule)
    tally(summary.by_caller, event.caller)
    tally(summary.by_portal, portals[event.host])
    lines.push({
      id: event.decision_id,
      caller: event.caller,
      portal: portals[event.host],
      was,
      now,
      rules_then: [`${RULES}:${8 + (event.index % 5)}`],
      rules_now,
      request: asked,
    })
  }
  return [...lines, { summary }]
}

export function tool(name, body) {
  const live = load(sources.rules)
  const asked = body.rules === undefined ? live : load(body.rules)
  const revision = body.rules === undefined ? sources.revision : 'r-5be0aa7714c9d302'
  const run = {
    lint: () => lint(asked),
    test: () => runTests(asked, body.cases ?? sources.cases, body.faults),
    explain: () => [explain(asked, body.request ?? {})],
    'who-can': () => whoCan(asked, body.request ?? {}),
    'what-can': () => [{ who: body.request?.sub ?? null, ...grants(asked, body.request ?? {}) }],
    diff: () => diff(live, asked),
    replay: () => replay(asked, body.events ?? 10_000),
  }[name]
  if (run === undefined) throw new Refused(404, 'not-found', 'not found', '没有找到')
  return { revision, lines: run() }
}

/* Changes. */

const hash = (seed) =>
  Array.from({ length: 64 }, (_, i) => (Math.floor(seed * 31 + i * i * 7 + i * 13) % 16).toString(16)).join('')
const LIVE = hash(42)
const ago = (days) => Date.now() - Math.round(days * DAY)
const step = (who, days, what, why = '') => ({ who, when_ms: ago(days), what, why })
const reach = (gain, lose, denies = 0, obligations = 0, where = []) => ({
  gain,
  lose,
  denies_removed: denies > 0,
  obligations_weakened: obligations > 0,
  statements_changed: false,
  model_changed: false,
  protected: where,
})
const change = (id, author, days, reason, stage, members) => ({
  id,
  bundle: hash(id + days * 7),
  parent: LIVE,
  author,
  reason,
  created_ms: ago(days),
  kind: 'ordinary',
  until_ms: null,
  stage,
  required: 1,
  owners: [],
  approvals: [],
  reach: reach(0, 0),
  steps: [step(author, days, 'drafted', reason)],
  review_due_ms: null,
  ...members,
})
const approval = (who, days, reason) => ({ who, when_ms: ago(days), reason })

export const changes = [
  change(57, 'lin', 0.05, '税务数据交换：新增企业年报接口', 'review', {
    required: 3,
    reach: reach(214, 0, 1, 0, ['tax']),
    approvals: [approval('zhou', 0.03, '已与税务局确认接口范围'), approval('wu', 0.02, '测试齐全')],
    steps: [
      step('lin', 0.05, 'submitted', '税务数据交换：新增企业年报接口'),
      step('zhou', 0.03, 'approved', '已与税务局确认接口范围'),
      step('wu', 0.02, 'approved', '测试齐全'),
    ],
  }),
  change(56, 'chen', 0.2, '收紧外联单位夜间访问', 'review', { required: 1, reach: reach(0, 38) }),
  change(55, 'lin', 1.1, '主管可在双因素下查询薪资', 'shadow', {
    required: 2,
    reach: reach(12, 0, 0, 1, ['hr']),
    approvals: [approval('chen', 1, '人事部门已书面同意'), approval('zhou', 0.9, '同意')],
    steps: [
      step('lin', 1.1, 'submitted'),
      step('chen', 1, 'approved', '人事部门已书面同意'),
      step('zhou', 0.9, 'approved', '同意'),
      step('lin', 0.8, 'shadowed', '先观察一天'),
    ],
  }),
  change(54, 'wu', 2, '住建窗口新增办件查询', 'approved', {
    approvals: [approval('chen', 1.8, '同意')],
    reach: reach(46, 0),
    steps: [step('wu', 2, 'submitted'), step('chen', 1.8, 'approved', '同意')],
  }),
  change(53, 'zhou', 3, '勒索软件应急：禁止全部写操作', 'expired', {
    kind: 'emergency',
    until_ms: ago(2.8),
    required: 2,
    reach: reach(0, 1800),
    review_due_ms: Date.now() + 2 * DAY,
    steps: [step('zhou', 3, 'submitted', '应急处置'), step('hangu', 3, 'emergency'), step('hangu', 2.8, 'expired')],
  }),
  change(52, 'lin', 5, '调整市民办事条件', 'live', {
    bundle: LIVE,
    parent: hash(41),
    approvals: [approval('chen', 4.6, '同意')],
    reach: reach(3, 1),
    steps: [
      step('lin', 5, 'submitted'),
      step('chen', 4.6, 'approved', '同意'),
      step('lin', 4.5, 'promoted', '灰度一天无异常'),
    ],
  }),
  change(51, 'wu', 9, '医保接口灰度', 'rolled-back', {
    approvals: [approval('chen', 8.6, '同意')],
    reach: reach(90, 4),
    steps: [
      step('wu', 9, 'submitted'),
      step('chen', 8.6, 'approved'),
      step('wu', 8.5, 'canaried', '先试 5%'),
      step('hangu', 8.49, 'taken-back', '以前成功的 14 名访问者被拒绝，超过 1%'),
    ],
  }),
  change(50, 'zhou', 12, '放开测试域', 'rejected', {
    reach: reach(4000, 0, 2),
    required: 3,
    steps: [step('zhou', 12, 'submitted'), step('chen', 11.9, 'rejected', '范围过大，请按部门拆分')],
  }),
]
const live = { bundle: LIVE, revision: REVISIONS[0], since_ms: ago(4.5), by: 'lin' }
let candidate = { change: 55, mode: 'shadow', departments: [], share: null, since: ago(0.8) }

export function state() {
  const sample = (aal) => request('u:zhao', ...HR, '/api/v1/people/20417/salary', 'GET', { aal, min: 655 })
  const asked = candidate && Math.round((Date.now() - candidate.since) / 9)
  const rule = (line) => ({ id: line, file: RULES, line, text: '' })
  return {
    reviewed: true,
    live,
    candidate: candidate && {
      change: candidate.change,
      mode: candidate.mode,
      departments: candidate.departments,
      share: candidate.share,
      asked,
      differed: Math.round(asked / 4100),
      refused_more: Math.round(asked / 61_000),
      refused_less: Math.round(asked / 4100) - Math.round(asked / 61_000),
      differences: [
        {
          live: null,
          candidate: rule(12),
          flip: 'gained',
          count: Math.round(asked / 4700),
          sample: { caller: 'u:zhao', request: sample(2) },
        },
        {
          live: rule(10),
          candidate: rule(11),
          flip: 'costs',
          count: Math.round(asked / 32_000),
          sample: { caller: 'u:zhao', request: sample(3) },
        },
        {
          live: rule(9),
          candidate: null,
          flip: 'lost',
          count: Math.round(asked / 61_000),
          sample: { caller: 'svc:tax-etl', request: request('svc:tax-etl', ...HR, '/api/v1/people/7/taxno', 'GET') },
        },
      ],
    },
    changes: changes.map((one) => ({ ...one, rules: undefined, cases: undefined })),
  }
}

function find(id) {
  const found = changes.find((one) => one.id === Number(id))
  if (found === undefined) throw new Refused(404, 'not-found', 'not found', '没有找到')
  return found
}
export function detail(id) {
  const found = find(id)
  const rules = found.rules ?? edited(found)
  return {
    ...found,
    model: sources.model,
    rules,
    statements: [],
    cases: found.cases ?? sources.cases,
    before: sources.rules,
    diff: diff(load(sources.rules), load(rules)),
  }
}
/** What an invented change does: the salary rule asks for less, or a rule more for its department. */
function edited({ id }) {
  const [rules, roles] = sources.rules
  const text =
    id === 56
      ? rules.text.replace('r.ctx.risk >= 80, deny', 'r.ctx.risk >= 70, deny')
      : id === 55
        ? rules.text.replace('r.ctx.aal >= 3 && r.ctx.dev >= 70, allow', 'r.ctx.aal >= 2 && r.ctx.dev >= 70, allow')
        : `${rules.text}p, svc:tax-etl, hr, zone:intranet, hr.gov.example, /api/v1/reports/:year, ^GET$, r.ctx.cert, allow, rate:gold;redact:L2\n`
  return [{ ...rules, text }, roles]
}

const reasoned = (body) => {
  if (!body.reason) throw new Refused(422, 'malformed', 'a reason is needed', '需要理由')
}
const note = (found, who, what, why) => found.steps.push({ who, when_ms: Date.now(), what, why })

export function propose(body, who) {
  reasoned(body)
  const before = load(sources.rules)
  const after = load(body.rules)
  const tests = runTests(after, body.cases ?? sources.cases, false)
  const failures = tests.slice(0, -1).map(({ file, failure }) => ({ file, ...failure }))
  if (failures.length > 0) {
    const told = failures.map(({ file, line, name, message }) => `${file}:${line}: ${name} ${message}`).join('\n')
    throw new Refused(422, 'tests-fail', 'tests of the policy do not hold', '策略的用例未通过', {
      detail: told,
      detail_zh: told,
    })
  }
  const regions = diff(before, after)
  const emergency = body.emergency_until_ms !== undefined
  const made = change(57 + changes.length - 7, who, 0, body.reason, emergency ? 'live' : 'review', {
    kind: emergency ? 'emergency' : 'ordinary',
    until_ms: body.emergency_until_ms ?? null,
    review_due_ms: emergency ? Date.now() + 3 * DAY : null,
    required: 1 + regions.filter(({ kind, text }) => kind === 'row-removed' && text.includes('deny')).length,
    reach: reach(regions.filter(({ gained }) => gained).length, regions.filter(({ lost }) => lost).length),
    rules: body.rules,
    cases: body.cases,
  })
  changes.unshift(made)
  return made
}

export function judge(id, verdict, body, who) {
  reasoned(body)
  const found = find(id)
  const refuse = (reason, title, titleZh) => {
    throw new Refused(409, reason, title, titleZh)
  }
  if (verdict === 'approve') {
    if (found.author === who)
      refuse('own-change', 'an author cannot approve their own change', '作者不能批准自己的变更')
    found.approvals.push({ who, when_ms: Date.now(), reason: body.reason })
    if (found.approvals.length >= found.required && found.stage === 'review') found.stage = 'approved'
  }
  if (verdict === 'reject') found.stage = 'rejected'
  if (verdict === 'withdraw') found.stage = 'withdrawn'
  if (verdict === 'rollback') {
    found.stage = 'rolled-back'
    if (candidate?.change === found.id) candidate = null
  }
  if (verdict === 'review') found.review_due_ms = null
  const words = {
    review: 'reviewed',
    approve: 'approved',
    reject: 'rejected',
    withdraw: 'withdrawn',
    rollback: 'taken-back',
  }
  note(found, who, words[verdict], body.reason)
  return found
}

export function advance(id, body, who) {
  reasoned(body)
  const found = find(id)
  if (candidate !== null && candidate.change !== found.id) {
    throw new Refused(409, 'candidate-running', 'another change is being tried', '另一项变更正在试行')
  }
  found.stage = body.to
  note(found, who, { shadow: 'shadowed', canary: 'canaried', live: 'promoted' }[body.to], body.reason)
  candidate =
    body.to === 'live'
      ? null
      : {
          change: id,
          mode: body.to,
          departments: body.departments ?? [],
          share: body.share ?? null,
          since: Date.now() - 10 * MINUTE,
        }
  if (body.to === 'live') Object.assign(live, { bundle: found.bundle, since_ms: Date.now(), by: who })
  return found
}

export function rollBack(body, who) {
  reasoned(body)
  const made = change(57 + changes.length - 7, who, 0, body.reason, 'live', {
    kind: 'rollback',
    bundle: hash(41),
  })
  changes.unshift(made)
  Object.assign(live, { bundle: made.bundle, revision: REVISIONS[1], since_ms: Date.now(), by: who })
  return made
}
