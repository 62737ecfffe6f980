/** Inspection of the imitation gateway: invented findings, marks that are kept, exceptions that people approve. */
import { Refused } from './tools.mjs'

const MINUTE = 60_000
const DAY = 86_400_000
const finding = (rule, category, place, evidence, more = {}) => ({
  rule,
  own: true,
  category,
  score: 5,
  technique: 'T1190',
  place,
  evidence,
  unexceptable: null,
  mark: null,
  ...more,
})
let number = 1_099_511_627_776
const request = (minutes, portal, path, caller, address, findings, more = {}) => ({
  index: ++number,
  time_ms: Date.now() - minutes * MINUTE,
  request_id: `0af7651916cd43dd8448eb21${String(number).slice(-8)}`,
  portal,
  zone: 'internet',
  method: 'GET',
  path,
  caller,
  address,
  status: 403,
  outcome: 'refused',
  reason: 'attack',
  findings,
  ...more,
})
const ask = () => finding('sqli-tautology', 'sql', 'query:q', "怎么写 where 1=1 or '1'='1'")
export const events = [
  request(4300, 'portal', '/search', 'nobody', '198.51.100.23', [ask()]),
  request(900, 'portal', '/search', 'u:wang', '198.51.100.80', [ask()]),
  request(610, 'hr', '/api/v1/people/*/note', 'u:li', '10.8.3.20', [
    finding('xss-markup', 'cross-site', 'json:/items/0/text', '<table border="1"><tr>…', { score: 3 }),
    finding('xss-embed', 'cross-site', 'json:/items/0/text', '<img src="cid:***">', { score: 0 }),
  ]),
  request(240, 'exchange', '/api/v1/export', 'svc:tax', '203.0.113.61', [
    finding('942100', 'sql', 'ARGS:filter', '1 UNION SELECT', {
      own: false,
      technique: null,
      unexceptable: 'rule-file',
    }),
  ]),
  request(90, 'portal', '/办事/指南', 'nobody', '203.0.113.7', [
    finding('path-traversal', 'traversal', 'path', '../../../../etc/passwd', { technique: 'T1083' }),
    finding('scanner-agent', 'scanner', 'header:user-agent', 'sqlmap/1.9', { technique: 'T1595.002' }),
  ]),
  request(12, 'portal', '/search', 'u:zhao', '198.51.100.23', [ask()]),
  request(2, 'portal', '/search', 'nobody', '203.0.113.7', [
    finding('sqli-union', 'sql', 'query:q', "1' UNION SELECT username, password FROM users-- -"),
  ]),
  request(
    1,
    'hr',
    '/api/v1/people/*/note',
    'u:li',
    '10.8.3.20',
    [finding('xss-markup', 'cross-site', 'json:/items/2/text', '<table><tbody>', { score: 0 })],
    { status: 200, outcome: 'allowed', reason: null },
  ),
]
events[0].findings[0].mark = {
  mark: 'false-positive',
  note: '办事咨询',
  by: 'u:zhou',
  at_ms: Date.now() - 4000 * MINUTE,
}
events[4].findings[0].mark = { mark: 'true-positive', note: '', by: 'u:chen', at_ms: Date.now() - 80 * MINUTE }

const span = () => ({ events: 88_214, from_ms: Date.now() - 9 * DAY, to_ms: Date.now() - 900, more: true })

/** Wilson's interval, as the gateway computes it. */
function precision(right, wrong) {
  const n = right + wrong
  if (n === 0) return null
  const z = 1.959963984540054
  const share = right / n
  const scale = 1 + (z * z) / n
  const centre = (share + (z * z) / (2 * n)) / scale
  const reach = (z * Math.sqrt((share * (1 - share)) / n + (z * z) / (4 * n * n))) / scale
  return { share, low: Math.max(0, centre - reach), high: Math.min(1, centre + reach) }
}

/** What was marked before the events that are still known. */
const EARLIER = { 'sqli-tautology\nportal': [1, 14], 'path-traversal\nportal': [38, 0], 'xss-markup\nhr': [6, 5] }

export function rules() {
  const rows = new Map()
  for (const event of events) {
    for (const found of event.findings) {
      const key = `${found.rule}\n${event.portal}`
      const [right, wrong] = EARLIER[key] ?? [0, 0]
      const row = rows.get(key) ?? {
        rule: found.rule,
        portal: event.portal,
        own: found.own,
        summary: null,
        category: found.category,
        technique: found.technique,
        requests: 0,
        blocked: 0,
        last_ms: 0,
        true_positives: right,
        false_positives: wrong,
        precision: null,
        exceptions: 0,
      }
      row.requests++
      if (event.reason === 'attack') row.blocked++
      row.last_ms = Math.max(row.last_ms, event.time_ms)
      if (found.mark?.mark === 'true-positive') row.true_positives++
      if (found.mark?.mark === 'false-positive') row.false_positives++
      row.precision = precision(row.true_positives, row.false_positives)
      row.exceptions = exceptions.filter(
        ({ state, scope }) => state === 'in-force' && scope.rule === found.rule && scope.portal === event.portal,
      ).length
      rows.set(key, row)
    }
  }
  return { rules: [...rows.values()], window: span() }
}

export function list(query) {
  const want = (name) => query.get(name) ?? ''
  const found = events.filter(
    (event) =>
      (want('portal') === '' || event.portal === want('portal')) &&
      (want('outcome') === '' || (want('outcome') === 'blocked') === (event.reason === 'attack')) &&
      event.findings.some(
        (one) =>
          (want('rule') === '' || one.rule === want('rule')) &&
          (want('marked') === '' || want('marked') === (one.mark?.mark ?? 'unmarked')),
      ),
  )
  return { events: found.reverse(), next_before: null, window: span() }
}

export function one(index) {
  const event = events.find((event) => event.index === Number(index))
  if (event === undefined) throw new Refused(404, 'not-found', 'not found', '没有找到')
  return event
}

export function mark(index, { rule, mark, note = '' }, user) {
  const event = one(index)
  for (const found of event.findings.filter((found) => found.rule === rule))
    found.mark = mark === 'none' ? null : { mark, note, by: `u:${user}`, at_ms: Date.now() }
  return event
}

const UNKNOWN = ['bodies-and-decisions', 'masked-names', 'further-places', 'window']

function reach(scope) {
  const covered = events.filter(
    ({ portal, path, findings }) =>
      portal === scope.portal &&
      path === scope.path &&
      findings.some(({ rule, score }) => rule === scope.rule && score),
  )
  const passing = covered.filter(({ findings }) => findings.every(({ rule, score }) => rule === scope.rule || !score))
  const marked = (event) => event.findings.some((found) => found.mark?.mark === 'true-positive')
  return [
    {
      covered: covered.length,
      let_through: passing.length,
      still_refused: covered.length - passing.length,
      not_refused: 0,
      callers: new Set(passing.map(({ caller }) => caller)).size,
      addresses: new Set(passing.map(({ address }) => address)).size,
      marked_attacks: passing.filter(marked).length,
    },
    passing.reverse(),
  ]
}

function wide(scope, counted) {
  return [
    ...(counted.let_through > 20 ? ['many-requests'] : []),
    ...(scope.path === null ? ['every-path'] : []),
    ...(scope.parameter === null ? ['every-parameter'] : []),
    ...(counted.marked_attacks > 0 ? ['real-attack'] : []),
  ]
}

export function propose({ event, rule, place, scope: given }) {
  let scope = given
  if (scope === undefined) {
    const from = one(event)
    const name = place?.includes(':') ? place.slice(place.indexOf(':') + 1).replace(/\/\d+(?=\/|$)/g, '/*') : null
    scope = { rule, portal: from.portal, path: from.path, parameter: name }
  }
  const [counted, passing] = reach(scope)
  const because = wide(scope, counted)
  return {
    scope,
    reach: counted,
    samples: passing
      .slice(0, 20)
      .map(({ index, time_ms, caller, address, method, path }) => ({ index, time_ms, caller, address, method, path })),
    window: span(),
    threshold: 5,
    unknown: UNKNOWN,
    approvals: because.length > 0 ? 2 : 1,
    because,
    until_ms: Date.now() + 30 * DAY,
    longest_ms: 180 * DAY,
  }
}

const step = (what, by, reason, minutes) => ({ what, by, reason, at_ms: Date.now() - minutes * MINUTE })
const none = {
  covered: 0,
  let_through: 0,
  still_refused: 0,
  not_refused: 0,
  callers: 0,
  addresses: 0,
  marked_attacks: 0,
}
export const exceptions = [
  {
    id: 11,
    state: 'in-force',
    scope: { rule: 'xss-markup', portal: 'hr', path: '/api/v1/people/*/note', parameter: '/items/*/text' },
    reason: '备注允许表格',
    by: 'u:chen',
    created_ms: Date.now() - 3 * DAY,
    until_ms: Date.now() + 27 * DAY,
    approvals: 1,
    because: [],
    approved_by: ['u:zhou'],
    event: events[2].index,
    reach: { ...none, covered: 6, let_through: 4, not_refused: 2, callers: 2, addresses: 1 },
    steps: [step('approve', 'u:zhou', '已与人事核对', 4000)],
  },
  {
    id: 12,
    state: 'pending',
    scope: { rule: 'path-traversal', portal: 'portal', path: '/办事/指南', parameter: null },
    reason: '目录名带点',
    by: 'u:zhou',
    created_ms: Date.now() - 50 * MINUTE,
    until_ms: Date.now() + 29 * DAY,
    approvals: 2,
    because: ['every-parameter', 'real-attack'],
    approved_by: ['u:wu'],
    event: events[4].index,
    reach: { ...none, covered: 3, let_through: 1, still_refused: 2, callers: 1, addresses: 1, marked_attacks: 1 },
    steps: [step('approve', 'u:wu', '看过', 40)],
  },
  {
    id: 9,
    state: 'expired',
    scope: { rule: 'sqli-hint', portal: 'exchange', path: '/api/v1/export', parameter: 'filter' },
    reason: '迁移期间',
    by: 'u:wu',
    created_ms: Date.now() - 40 * DAY,
    until_ms: Date.now() - 10 * DAY,
    approvals: 1,
    because: [],
    approved_by: ['u:chen'],
    event: null,
    reach: none,
    steps: [step('approve', 'u:chen', '迁移', 57_000), step('expire', 'gateway', '已到期 · its time is up', 14_400)],
  },
]
export const configured = [
  {
    portal: 'exchange',
    rule: 'cross-site',
    path: '/api/v1/documents',
    parameter: null,
    from: 'extranet',
    mode: 'observe',
    until_ms: null,
    ended: false,
    reason: '公文正文是 HTML',
  },
  {
    portal: 'portal',
    rule: 'sqli-hint',
    path: '/forum',
    parameter: 'body',
    from: null,
    mode: 'off',
    until_ms: Date.now() + 12 * DAY,
    ended: false,
    reason: '技术论坛',
  },
]

export function create({ scope, reason, until_ms, event = null }, user) {
  if (!reason) throw new Refused(422, 'malformed', 'a reason is needed', '需要理由')
  const [counted] = reach(scope)
  const because = wide(scope, counted)
  const made = {
    id: Math.max(...exceptions.map(({ id }) => id)) + 1,
    state: 'pending',
    scope,
    reason,
    by: `u:${user}`,
    created_ms: Date.now(),
    until_ms,
    approvals: because.length > 0 ? 2 : 1,
    because,
    approved_by: [],
    event,
    reach: counted,
    steps: [],
  }
  exceptions.push(made)
  return made
}

export function judge(id, what, { reason }, user) {
  const known = exceptions.find((one) => String(one.id) === id)
  if (known === undefined) throw new Refused(404, 'not-found', 'not found', '没有找到')
  const by = `u:${user}`
  const refused = (zh, en) =>
    new Refused(409, 'exception-step', en, '按例外的当前状态不能这样做', { detail: en, detail_zh: zh })
  if ((what === 'end') !== (known.state === 'in-force')) throw refused('此例外不能这样处理', 'not as it stands')
  if (['approve', 'reject'].includes(what) && known.by === by) throw refused('提出例外的人不能批准它', 'it is your own')
  known.steps.push({ what, by, reason, at_ms: Date.now() })
  if (what === 'approve') known.approved_by.push(by)
  if (what === 'reject') known.state = 'rejected'
  if (what === 'withdraw') known.state = 'withdrawn'
  if (what === 'end') known.state = 'ended'
  if (what === 'approve' && known.approved_by.length >= known.approvals) known.state = 'in-force'
  return known
}
