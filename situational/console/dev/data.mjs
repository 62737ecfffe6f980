/** A gateway's worth of invented data: a morning with an attack in it. All names are made up. */

let seed = 20261122
/** The same numbers every time, so that two screenshots can be compared. */
export function random() {
  seed = (seed * 1664525 + 1013904223) % 4294967296
  return seed / 4294967296
}
const pick = (list) => list[Math.floor(random() * list.length)]
const hex = (n) => Array.from({ length: n }, () => Math.floor(random() * 16).toString(16)).join('')
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const started = Date.now() - 3 * DAY - 5 * HOUR
export const zoneNames = ['internet', 'extranet', 'intranet']

const rule = (id, line, text) => {
  const [, sub, dom, src, host, path, act, cond, eft, obl] = text.split(',').map((cell) => cell.trim())
  return {
    id,
    file: 'configs/policy/policy.csv',
    line,
    text,
    fields: { sub, dom, src, host, path, act, cond, eft, obl: obl ?? '' },
  }
}

const base = [
  'p, *, *, *, *, /*, *, r.ctx.risk >= 80, deny, log:full;alert:soc',
  'p, *, *, zone:internet, *, /admin/*, *, true, deny, log:full',
  'p, *, *, *, *, /*, ^(PUT|DELETE|PATCH)$, r.ctx.dev < 40, deny, log:full',
  'p, role:suspended, *, *, *, /*, *, true, deny, log:full',
  'p, *, portal, *, portal.gov.example, /static/*, ^(GET|HEAD)$, true, allow, rate:bronze',
  'p, role:citizen, portal, *, portal.gov.example, /办事/:item, ^(GET|POST)$, r.ctx.aal >= 1, allow, rate:silver;redact:L2',
  'p, role:citizen, portal, *, portal.gov.example, /办事/:item/提交, ^POST$, r.ctx.aal >= 2 && r.ctx.risk < 50, allow, rate:silver;redact:L2;log:full',
  'p, role:clerk, hr, zone:gov, hr.gov.example, /api/v1/people/:id, ^GET$, r.ctx.aal >= 2 && r.ctx.dev >= 60, allow, redact:L3;watermark:on;rate:gold',
  'p, role:officer, hr, zone:gov, hr.gov.example, /api/v1/people/:id, ^(GET|PUT)$, r.ctx.aal >= 2 && r.ctx.dev >= 60, allow, redact:L1;watermark:on;rate:gold;log:full',
  'p, role:officer, hr, zone:gov, hr.gov.example, /api/v1/people/:id/salary, ^GET$, r.ctx.aal >= 3 && r.ctx.dev >= 70, allow, redact:L1;log:full',
  'p, role:officer, hr, zone:gov, hr.gov.example, /api/v1/export/*, ^GET$, r.ctx.aal >= 3 && r.ctx.min >= 540 && r.ctx.min < 1080 && r.ctx.dow <= 5, allow, log:full;watermark:on;quota:100',
  'p, svc:tax-etl, hr, zone:intranet, hr.gov.example, /api/v1/people/:id/taxno, ^GET$, r.ctx.cert, allow, rate:gold;fields:taxno',
]
const departments = ['tax', 'housing', 'health', 'education', 'transport', 'civil', 'water', 'emergency']
export const rules = [
  ...base,
  ...Array.from({ length: 1200 }, (_, i) => {
    const department = departments[i % departments.length]
    return `p, role:${department}-${i % 40}, ${department}, zone:gov, ${department}.gov.example, /api/v1/records/${i}/:id, ^GET$, r.ctx.aal >= 2, allow, redact:L2;rate:silver`
  }),
].map((text, i) => rule(i + 1, i + 3 + Math.floor(i / 6), text))

/** The rule file whose lines are those of `rules`. */
const texts = rules.reduce((lines, { line, text }) => {
  lines[line - 1] = text
  return lines
}, [])
export const ruleText = `${Array.from(texts, (text, i) => text ?? (i < 2 ? '# 规则：谁、部门、来源、主机、路径、方法、条件、效果、义务' : '#')).join('\n')}\n`

export const policy = {
  revision: 42,
  loaded_ms: Date.now() - 5 * HOUR,
  model: `[request_definition]
r = sub, dom, src, host, path, act, ctx

[policy_definition]
p = sub, dom, src, host, path, act, cond, eft, obl

[role_definition]
g = _, _, _
g2 = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = (p.dom == "*" || r.dom == p.dom) && (p.host == "*" || r.host == p.host) && keyMatch2(r.path, p.path) && (p.act == "*" || regexMatch(r.act, p.act)) && (p.sub == "*" || g(r.sub, p.sub, r.dom)) && (p.src == "*" || g2(r.src, p.src)) && eval(p.cond)
`,
  files: ['configs/policy/model.conf', 'configs/policy/policy.csv', 'configs/policy/roles.csv'],
  rules: rules.map(({ id, file, line, fields }) => ({ id, file, line, fields })),
  roles: [
    { kind: 'g', fields: ['u:wang', 'role:citizen', 'portal'] },
    { kind: 'g', fields: ['u:li', 'role:clerk', 'hr'] },
    { kind: 'g', fields: ['u:zhao', 'role:officer', 'hr'] },
    { kind: 'g', fields: ['role:officer', 'role:clerk', 'hr'] },
    { kind: 'g', fields: ['u:bad', 'role:suspended', 'hr'] },
    ...Array.from({ length: 60 }, (_, i) => ({
      kind: 'g',
      fields: [`u:staff${i}`, `role:${departments[i % 8]}-${i % 40}`, departments[i % 8]],
    })),
    { kind: 'g2', fields: ['zone:intranet', 'zone:gov'] },
    { kind: 'g2', fields: ['zone:extranet', 'zone:gov'] },
  ],
}

const people = [
  'u:wang',
  'u:li',
  'u:zhao',
  'u:zhou',
  'u:wu',
  'u:zheng',
  'u:feng',
  'u:chu',
  'anonymous',
  'svc:tax-etl',
  'svc:social-sync',
  'dev:sensor-0417',
  'u:bad',
]
const addresses = {
  internet: ['203.0.113.7', '198.51.100.23', '2001:db8:4:1::5', '203.0.113.88', '198.51.100.140'],
  extranet: ['10.32.4.17', '10.32.9.201', '10.33.0.8'],
  intranet: ['172.20.1.15', '172.20.8.44', 'fd00:20:1::a3'],
}
const requests = [
  ['portal', 'portal.gov.example', 'GET', '/static/app.css', 'internet', 'extranet'],
  ['portal', 'portal.gov.example', 'GET', '/办事/户籍迁移', 'internet', 'extranet'],
  ['portal', 'portal.gov.example', 'POST', '/办事/公积金提取/提交', 'internet', 'extranet'],
  ['hr', 'hr.gov.example', 'GET', '/api/v1/people/10086', 'extranet', 'intranet'],
  ['hr', 'hr.gov.example', 'PUT', '/api/v1/people/20417', 'intranet', 'intranet'],
  ['hr', 'hr.gov.example', 'GET', '/api/v1/people/10086/salary', 'intranet', 'intranet'],
  ['exchange', 'exchange.gov.example', 'POST', '/v2/datasets/企业信用/query', 'extranet', 'intranet'],
  ['sensors', 'iot.gov.example', 'POST', '/ingest/water-level', 'extranet', 'intranet'],
]
const refusals = [
  ['denied-by-rule', 403],
  ['no-rule-allows', 403],
  ['unidentified', 401],
  ['rate-limited', 429],
  ['attack', 403],
  ['banned', 403],
  ['no-crossing', 403],
  ['bad-credentials', 401],
]

let nextIndex = 4_182_000
export function makeEvent(time = Date.now()) {
  const [portal, host, method, path, zone, to] = pick(requests)
  const refused = random() < 0.18
  const [reason, status] = refused ? pick(refusals) : [null, method === 'POST' ? 201 : 200]
  const early = reason === 'banned' || reason === 'rate-limited' || reason === 'no-crossing'
  const attack = reason === 'attack'
  return {
    index: nextIndex++,
    time_ms: Math.round(time),
    request_id: `01JD${hex(22).toUpperCase()}`,
    decision_id: early ? null : `d-${hex(16)}`,
    zone,
    to_zone: reason === 'no-crossing' || zone === to ? null : to,
    address: pick(addresses[zone]),
    caller: reason === 'unidentified' ? 'anonymous' : pick(people),
    portal: reason === 'no-crossing' ? null : portal,
    method,
    host,
    path: attack
      ? `${path}?id=1%27%20UNION%20SELECT%20idcard,name%20FROM%20citizen--%20<img src=x onerror=alert(1)>\u202egpj.exe`
      : path,
    status,
    outcome: refused ? 'refused' : 'allowed',
    reason,
    score: attack ? 15 + Math.floor(random() * 20) : Math.floor(random() * 3),
    redacted: refused ? 0 : Math.floor(random() * 6),
    duration_us: Math.floor(300 + random() * random() * 90_000),
  }
}

export const events = []
for (let i = 900; i > 0; i--) events.push(makeEvent(Date.now() - i * 4200))

export function record(event) {
  return {
    metadata: { version: '1.5.0', product: { name: 'Hangu', vendor_name: 'Hangu' }, uid: event.request_id },
    class_uid: 4002,
    class_name: 'HTTP Activity',
    category_uid: 4,
    activity_id: 3,
    time: event.time_ms,
    severity_id: event.outcome === 'refused' ? 3 : 1,
    disposition: event.outcome === 'refused' ? 'Blocked' : 'Allowed',
    src_endpoint: { ip: event.address, zone: event.zone },
    dst_endpoint: { hostname: event.host, zone: event.to_zone },
    actor: { user: { uid: event.caller, type: 'User' } },
    http_request: {
      http_method: event.method,
      url: { hostname: event.host, path: event.path },
      user_agent: 'Mozilla/5.0 (X11; Linux x86_64)',
    },
    http_response: { code: event.status, latency: Math.round(event.duration_us / 1000) },
    unmapped: { decision_id: event.decision_id, refusal: event.reason, score: event.score, redacted: event.redacted },
  }
}

export function decision(event) {
  const allowed = event.outcome === 'allowed'
  const plain = ({ id, file, line, text }) => ({ id, file, line, text })
  return {
    decision_id: event.decision_id,
    event,
    effect: allowed ? 'allow' : 'deny',
    grounds: allowed
      ? 'rule 8 allows, and no deny rule matches'
      : 'no allow rule matches; what is not declared is refused',
    revision: 42,
    rules: allowed ? [plain(rules[7])] : [],
    obligations: allowed ? { redact: 'L3', watermark: 'on', rate: 'gold' } : {},
    request: {
      sub: event.caller,
      dom: event.portal ?? '',
      src: `zone:${event.zone}`,
      host: event.host,
      path: event.path,
      act: event.method,
      ctx: { aal: 2, risk: 34, dev: 55, cert: false, min: 187, dow: 7 },
    },
    nearest: allowed
      ? []
      : [
          { rule: plain(rules[7]), failed: 'r.ctx.dev >= 60: 55 is below 60' },
          { rule: plain(rules[8]), failed: 'sub: u:li does not have role:officer in hr' },
        ],
    note: allowed ? null : 'evaluated again under revision 42, the revision it was decided under',
  }
}

const alert = (id, minutesAgo, severity, status, rest) => ({
  id,
  time_ms: Date.now() - minutesAgo * MINUTE - 40_000,
  last_ms: Date.now() - minutesAgo * MINUTE,
  severity,
  status,
  count: 1,
  technique: null,
  events: [],
  response: null,
  notes: [],
  ...rest,
})
const refusedIndexes = events.filter((event) => event.outcome === 'refused').map((event) => event.index)

export const alerts = [
  alert('a-0193', 2, 'critical', 'open', {
    rule: 'sqli-then-success',
    title: { zh: 'SQL 注入之后出现成功响应', en: 'Successful response after SQL injection attempts' },
    description: {
      zh: '同一地址在 5 分钟内 37 次提交 SQL 注入载荷，随后同一路径返回 200。数据可能已被读取。',
      en: 'One address sent 37 SQL injection payloads within 5 minutes, then the same path answered 200. Data may have been read.',
    },
    entity: { kind: 'address', value: '203.0.113.7' },
    count: 37,
    technique: 'T1190',
    events: refusedIndexes.slice(-12),
    response: { kind: 'ban', until_ms: Date.now() + 58 * MINUTE, id: 'b-77' },
  }),
  alert('a-0192', 9, 'high', 'open', {
    rule: 'password-spray',
    title: { zh: '口令喷洒：一个地址尝试大量账号', en: 'Password spraying: one address, many accounts' },
    description: {
      zh: '198.51.100.140 在 10 分钟内对 214 个账号各尝试一次登录。',
      en: '198.51.100.140 tried 214 accounts once each within 10 minutes.',
    },
    entity: { kind: 'address', value: '198.51.100.140' },
    count: 214,
    technique: 'T1110.003',
    events: refusedIndexes.slice(-40, -12),
    response: { kind: 'throttle', until_ms: Date.now() + 20 * MINUTE, id: 't-12' },
  }),
  alert('a-0190', 31, 'high', 'open', {
    rule: 'bulk-personal-data',
    title: { zh: '非工作时间批量查询个人信息', en: 'Bulk reads of personal data outside working hours' },
    description: {
      zh: 'u:li 在 03:00 至 03:20 查询 1,860 份人员档案，是其 30 日均值的 46 倍。',
      en: 'u:li read 1,860 personnel files between 03:00 and 03:20, 46 times the 30-day mean.',
    },
    entity: { kind: 'caller', value: 'u:li' },
    count: 1860,
    technique: 'T1213',
    events: refusedIndexes.slice(-60, -52),
    notes: [
      { time_ms: Date.now() - 12 * MINUTE, by: 'chen', text: '已电话联系值班处长，正在核实是否为授权的数据核对。' },
    ],
  }),
  alert('a-0187', 55, 'medium', 'open', {
    rule: 'certificate-from-new-address',
    title: { zh: '客户端证书从新地址使用', en: 'Client certificate used from a new address' },
    description: {
      zh: '证书首次从 10.33.0.8 使用。',
      en: 'The certificate was used from 10.33.0.8 for the first time.',
    },
    entity: { kind: 'certificate', value: '5c:1f:88:0a:e3:77:49:b2' },
    events: refusedIndexes.slice(-64, -62),
    technique: 'T1550',
  }),
  alert('a-0186', 80, 'low', 'open', {
    rule: 'scanner-user-agent',
    title: { zh: '扫描器特征', en: 'Scanner fingerprint' },
    description: { zh: '请求头符合已知扫描器特征。', en: 'Headers match a known scanner.' },
    entity: { kind: 'address', value: '2001:db8:4:1::5' },
    count: 12,
    technique: 'T1595',
    events: refusedIndexes.slice(-70, -66),
  }),
  alert('a-0180', 240, 'high', 'acknowledged', {
    rule: 'impossible-travel',
    title: { zh: '短时间内异地登录', en: 'Sign-ins too far apart' },
    description: { zh: 'u:zhou 在 14 分钟内从两地登录。', en: 'u:zhou signed in from two places within 14 minutes.' },
    entity: { kind: 'caller', value: 'u:zhou' },
    events: refusedIndexes.slice(0, 2),
    response: { kind: 'end-session', until_ms: null, id: 3 },
    notes: [{ time_ms: Date.now() - 200 * MINUTE, by: 'chen', text: '已接手。' }],
  }),
  alert('a-0171', 1500, 'medium', 'closed', {
    rule: 'scanner-user-agent',
    title: { zh: '扫描器特征', en: 'Scanner fingerprint' },
    description: { zh: '内部漏洞扫描。', en: 'Internal vulnerability scan.' },
    entity: { kind: 'address', value: '172.20.8.44' },
    count: 410,
    notes: [{ time_ms: Date.now() - 1400 * MINUTE, by: 'chen', text: '误报：每周例行扫描，已登记。' }],
  }),
]

export const bans = [
  {
    id: 'b-77',
    kind: 'address',
    value: '203.0.113.7',
    reason: 'SQL 注入之后出现成功响应',
    by: 'gateway',
    created_ms: Date.now() - 2 * MINUTE,
    until_ms: Date.now() + 58 * MINUTE,
    alert: 'a-0193',
  },
  {
    id: 'b-76',
    kind: 'caller',
    value: 'u:bad',
    reason: '账号疑似被盗用，等待本人核实',
    by: 'chen',
    created_ms: Date.now() - 3 * HOUR,
    until_ms: Date.now() + 21 * HOUR,
    alert: null,
  },
  {
    id: 'b-71',
    kind: 'certificate',
    value: '5c:1f:88:0a:e3:77:49:b2:10:9d',
    reason: '设备报失',
    by: 'chen',
    created_ms: Date.now() - 2 * DAY,
    until_ms: Date.now() + 5 * DAY,
    alert: null,
  },
  {
    id: 'b-70',
    kind: 'address',
    value: '2001:db8:4::/48',
    reason: '持续扫描',
    by: 'gateway',
    created_ms: Date.now() - 5 * HOUR,
    until_ms: Date.now() + 40_000,
    alert: 'a-0165',
  },
]

export const callers = [
  ...people.map((caller, i) => ({
    caller,
    risk: [12, 62, 8, 55, 3, 22, 30, 5, 41, 2, 6, 9, 91][i],
    requests: Math.floor(200 + random() * 40_000),
    refused: Math.floor(random() * 180),
    last_ms: Date.now() - Math.floor(random() * 30 * MINUTE),
    addresses: [pick(addresses.internet), pick(addresses.extranet)].slice(0, 1 + (i % 2)),
    sessions: caller.startsWith('u:') ? 1 + Math.floor(random() * 3) : 0,
  })),
  ...Array.from({ length: 160 }, (_, i) => ({
    caller: `u:staff${i}`,
    risk: Math.floor(random() * 24),
    requests: Math.floor(random() * 3000),
    refused: Math.floor(random() * 9),
    last_ms: Date.now() - Math.floor(random() * 8 * HOUR),
    addresses: [pick(addresses.intranet)],
    sessions: Math.floor(random() * 2),
  })),
]

export const portals = [
  {
    name: 'portal',
    zone: 'extranet',
    hosts: ['portal.gov.example', 'www.gov.example'],
    department: '政务服务',
    upstreams: [up('127.0.0.1:9101', true, false, 14), up('127.0.0.1:9102', true, false, 11)],
  },
  {
    name: 'hr',
    zone: 'intranet',
    hosts: ['hr.gov.example'],
    department: '人力资源',
    upstreams: [up('127.0.0.1:9201', true, false, 6), up('127.0.0.1:9202', false, false, 0)],
  },
  {
    name: 'exchange',
    zone: 'intranet',
    hosts: ['exchange.gov.example'],
    department: '大数据',
    upstreams: [up('127.0.0.1:9301', true, true, 0), up('127.0.0.1:9302', true, false, 22)],
  },
  {
    name: 'sensors',
    zone: 'intranet',
    hosts: ['iot.gov.example'],
    department: '水务',
    upstreams: [up('[fd00:20::5]:9401', true, false, 3)],
  },
]
function up(address, healthy, ejected, active) {
  return { address, healthy, ejected, active }
}

export const zones = [
  {
    name: 'internet',
    listeners: ['0.0.0.0:8443', '[::]:8443'],
    client_certificates: 'optional',
    connections: 3120,
    limit: 20_000,
  },
  { name: 'extranet', listeners: ['10.32.0.1:8444'], client_certificates: 'required', connections: 212, limit: 5_000 },
  { name: 'intranet', listeners: ['172.20.0.1:8445'], client_certificates: 'required', connections: 96, limit: null },
]
export const crossings = [
  { from: 'internet', to: 'extranet' },
  { from: 'extranet', to: 'intranet' },
  { from: 'intranet', to: 'extranet' },
]
export const certificates = [
  { name: 'internet (portal.gov.example)', not_after_ms: Date.now() + 61 * DAY },
  { name: 'extranet', not_after_ms: Date.now() + 9 * DAY },
  { name: 'intranet', not_after_ms: Date.now() - 2 * HOUR },
  { name: 'console', not_after_ms: Date.now() + 300 * DAY },
]
export const mistakes = [
  {
    file: 'configs/hangu.toml',
    line: 84,
    column: 3,
    message: 'unknown key `upstrems`; did you mean `upstreams`?',
    message_zh: '没有名为 `upstrems` 的键；是否应为 `upstreams`？',
  },
  {
    file: 'configs/hangu.toml',
    line: 112,
    column: 9,
    message: '`burst` is 5, below `rate` 10; raise it or leave it out',
    message_zh: '`burst` 为 5，低于 `rate` 的 10；请调高或去掉',
  },
  {
    file: 'configs/policy/policy.csv',
    line: 27,
    column: 41,
    message: '`{id}` is not a parameter; write `:id`',
    message_zh: '`{id}` 不是参数；写成 `:id`',
  },
]
