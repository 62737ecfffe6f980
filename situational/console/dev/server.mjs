/**
 * Stands in for the gateway while the console is worked on: serves `dist` under the same content
 * security policy, and the administration API over invented data. Any password but `wrong` signs in
 * `sun` (system), `chen` (security) and `qian` (auditor). Not for production; nothing here is.
 */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as world from './data.mjs'
import * as changes from './changes.mjs'
import * as inspection from './inspection.mjs'
import * as redaction from './redaction.mjs'
import * as tools from './tools.mjs'

const DIST = fileURLToPath(new URL('../dist/', import.meta.url))
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
}
export const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types vue"

const USERS = {
  sun: { user: 'sun', name: '孙工', role: 'sysadmin' },
  chen: { user: 'chen', name: '陈静', role: 'secadmin' },
  qian: { user: 'qian', name: '钱明', role: 'auditor' },
}
const GRANTS = {
  sysadmin: ['* /admin/system/*', 'GET /admin/situational/overview', 'GET /admin/situational/stream'],
  secadmin: [
    '* /admin/policy/*',
    '* /admin/situational/*',
    'GET /admin/inspection/*',
    'POST /admin/inspection/*',
    'POST /admin/redaction/trial',
    'POST /admin/redaction/reveal',
    'GET /admin/redaction/fields',
  ],
  auditor: [
    'GET /admin/audit/*',
    'GET /admin/policy/decisions/*',
    'GET /admin/inspection/*',
    'POST /admin/redaction/person',
    'GET /admin/redaction/fields',
    'GET /admin/policy/sources',
    'POST /admin/policy/tools/*',
    'GET /admin/policy/changes',
    'GET /admin/policy/changes/*',
    'GET /admin/situational/overview',
    'GET /admin/situational/stream',
    'GET /admin/situational/alerts',
  ],
}
const CSRF = 'dev-csrf'
const sessions = new Map()
const streams = new Set()
let reloads = 0
let configError = null

class Refused extends tools.Refused {
  constructor(status, reason, title, titleZh, detail = title, detailZh = titleZh) {
    super(status, reason, title, titleZh, { detail, detail_zh: detailZh })
  }
}
const notFound = () => new Refused(404, 'not-found', 'not found', '没有找到')

const audit = () => ({
  size: world.events.at(-1).index + 1,
  health: 'running',
  checkpoint_size: world.events.at(-1).index - 120,
  checkpoint_time_ms: Date.now() - 21_000,
})

const totals = { internet: [8_204_113, 94_200], extranet: [1_902_441, 8_212], intranet: [730_020, 412] }
function second(t, zone) {
  const wave = 1 + 0.25 * Math.sin(t / 47_000) + 0.1 * world.random()
  const scale = { internet: 220, extranet: 64, intranet: 18 }[zone]
  const attack = zone === 'internet' && t > Date.now() - 4 * 60_000 ? 55 * (0.6 + world.random()) : 0
  return { allowed: Math.round(scale * wave), refused: Math.round(scale * 0.02 * wave + attack) }
}
function series() {
  const points = []
  const end = Math.floor(Date.now() / 10_000) * 10_000
  for (let t = end - 590_000; t <= end; t += 10_000) {
    const part = t === end ? (Date.now() - end) / 10_000 : 1
    for (const zone of world.zoneNames) {
      const { allowed, refused } = second(t, zone)
      points.push({ t_ms: t, zone, allowed: Math.round(allowed * 10 * part), refused: Math.round(refused * 10 * part) })
    }
  }
  return points
}

const find = (list, id) => {
  const found = list.find((one) => String(one.id) === id)
  if (found === undefined) throw notFound()
  return found
}

const ROUTES = [
  [
    'GET',
    '/admin/situational/overview',
    () => ({
      now_ms: Date.now(),
      uptime_s: Math.round((Date.now() - world.started) / 1000),
      version: '0.1.0',
      revision: 42,
      zones: world.zones.map(({ name, listeners, connections }) => ({
        name,
        listeners,
        connections,
        requests_total: totals[name][0],
        refused_total: totals[name][1],
      })),
      series: series(),
      alerts_open: world.alerts.filter((alert) => alert.status === 'open').length,
      bans_active: world.bans.length,
      upstreams: world.portals.flatMap((portal) =>
        portal.upstreams.map((upstream) => ({ portal: portal.name, ...upstream })),
      ),
      audit: audit(),
    }),
  ],
  [
    'GET',
    '/admin/audit/events',
    (_, query) => {
      const limit = Number(query.get('limit') ?? 50)
      const before = Number(query.get('before') ?? Number.MAX_SAFE_INTEGER)
      const want = (name) => query.get(name) ?? ''
      const found = world.events
        .filter((event) => event.index < before)
        .filter((event) =>
          ['zone', 'outcome', 'reason'].every((name) => want(name) === '' || event[name] === want(name)),
        )
        .filter((event) =>
          ['caller', 'portal', 'address'].every((name) => String(event[name] ?? '').includes(want(name))),
        )
        .filter((event) => JSON.stringify(event).includes(want('q')))
        .reverse()
      return { events: found.slice(0, limit), next_before: found.length > limit ? found[limit - 1].index : null }
    },
  ],
  [
    'GET',
    '/admin/audit/events/:id',
    ([id]) => {
      const event = world.events.find((one) => one.index === Number(id))
      if (event === undefined) throw notFound()
      return { summary: event, raw: world.record(event) }
    },
  ],
  [
    'GET',
    '/admin/policy/decisions/:id',
    ([id]) => {
      const event = world.events.find((one) => one.decision_id === id)
      if (event === undefined)
        throw new Refused(
          404,
          'decision-unknown',
          'no such decision',
          '没有这个判定',
          `decision ${id} is not in the log`,
          `日志中没有判定 ${id}`,
        )
      return world.decision(event)
    },
  ],
  ['GET', '/admin/policy/current', () => world.policy],
  ['GET', '/admin/policy/sources', () => tools.sources],
  ['POST', '/admin/policy/tools/:id', ([tool], _, body) => tools.tool(tool, body)],
  ['GET', '/admin/policy/changes', () => changes.state()],
  ['GET', '/admin/policy/changes/:id', ([id]) => changes.detail(id)],
  ['POST', '/admin/policy/changes', (_, __, body, who) => changes.propose(body, who.user)],
  ['POST', '/admin/policy/changes/:id/advance', ([id], _, body, who) => changes.advance(id, body, who.user)],
  ['POST', '/admin/policy/changes/:id/revise', ([id], _, body, who) => changes.revise(id, body, who.user)],
  [
    'POST',
    '/admin/policy/changes/:id/:id',
    ([id, verdict], _, body, who) => changes.judge(id, verdict, body, who.user),
  ],
  ['POST', '/admin/policy/rollback', (_, __, body, who) => changes.rollBack(body, who.user)],
  ['POST', '/admin/redaction/trial', (_, __, body) => redaction.trial(body)],
  ['POST', '/admin/redaction/reveal', (_, __, body) => redaction.reveal(body)],
  ['POST', '/admin/redaction/person', (_, __, body) => redaction.person(body)],
  ['GET', '/admin/redaction/fields', () => ({ fields: redaction.fields, truncated: true })],
  ['GET', '/admin/inspection/rules', () => inspection.rules()],
  ['GET', '/admin/inspection/events', (_, query) => inspection.list(query)],
  ['GET', '/admin/inspection/events/:id', ([id]) => inspection.one(id)],
  ['POST', '/admin/inspection/events/:id/mark', ([id], _, body, who) => inspection.mark(id, body, who.user)],
  [
    'GET',
    '/admin/inspection/exceptions',
    () => ({ exceptions: inspection.exceptions, configured: inspection.configured, broken: null }),
  ],
  ['POST', '/admin/inspection/exceptions/propose', (_, __, body) => inspection.propose(body)],
  ['POST', '/admin/inspection/exceptions', (_, __, body, who) => inspection.create(body, who.user)],
  [
    'POST',
    '/admin/inspection/exceptions/:id/:id',
    ([id, what], _, body, who) => inspection.judge(id, what, body, who.user),
  ],
  [
    'GET',
    '/admin/situational/alerts',
    (_, query) => ({ alerts: world.alerts.filter((alert) => (query.get('status') ?? alert.status) === alert.status) }),
  ],
  [
    'POST',
    '/admin/situational/alerts/:id/acknowledge',
    ([id], _, body, who) => {
      const alert = find(world.alerts, id)
      alert.status = 'acknowledged'
      alert.notes.push({ time_ms: Date.now(), by: who.user, text: body.note })
      return alert
    },
  ],
  [
    'POST',
    '/admin/situational/alerts/:id/close',
    ([id], _, body, who) => {
      const alert = find(world.alerts, id)
      alert.status = 'closed'
      alert.verdict = body.verdict
      alert.notes.push({ time_ms: Date.now(), by: who.user, text: `${body.verdict}: ${body.note}` })
      return alert
    },
  ],
  [
    'DELETE',
    '/admin/situational/alerts/:id/response',
    ([id], query, _, who) => {
      if (!query.get('reason')) throw new Refused(422, 'malformed', 'a reason is needed', '需要理由')
      const alert = find(world.alerts, id)
      alert.response = null
      alert.notes.push({ time_ms: Date.now(), by: who.user, text: query.get('reason') })
      return alert
    },
  ],
  ['GET', '/admin/situational/callers', () => ({ callers: world.callers })],
  [
    'DELETE',
    '/admin/situational/callers/:id/sessions',
    ([id]) => {
      const caller = world.callers.find((one) => one.caller === id)
      if (caller === undefined) throw notFound()
      const ended = caller.sessions
      caller.sessions = 0
      return { ended }
    },
  ],
  ['GET', '/admin/situational/bans', () => ({ bans: world.bans })],
  [
    'POST',
    '/admin/situational/bans',
    (_, __, body, who) => {
      if (body.kind === 'address' && !/^[0-9a-fA-F:.]+(\/\d+)?$/.test(body.value)) {
        throw new Refused(
          422,
          'address-malformed',
          'not an address',
          '地址格式不对',
          `\`${body.value}\` is neither an address nor a prefix such as 203.0.113.0/24`,
          `“${body.value}”不是地址，也不是 203.0.113.0/24 这样的网段`,
        )
      }
      const ban = {
        id: `b-${Date.now()}`,
        kind: body.kind,
        value: body.value,
        reason: body.reason,
        by: who.user,
        created_ms: Date.now(),
        until_ms: Date.now() + body.minutes * 60_000,
        alert: null,
      }
      world.bans.push(ban)
      return ban
    },
  ],
  [
    'DELETE',
    '/admin/situational/bans/:id',
    ([id], query) => {
      if (!query.get('reason')) throw new Refused(422, 'reason-missing', 'a reason is needed', '需要理由')
      world.bans.splice(world.bans.indexOf(find(world.bans, id)), 1)
    },
  ],
  [
    'GET',
    '/admin/system/status',
    () => ({
      config: {
        path: 'configs/hangu.toml',
        revision: 42 + reloads,
        loaded_ms: Date.now() - 5 * 3_600_000,
        last_error: configError,
      },
      portals: world.portals,
      zones: world.zones,
      crossings: world.crossings,
      certificates: world.certificates,
      audit: audit(),
    }),
  ],
  [
    'POST',
    '/admin/system/reload',
    () => {
      // Every other reload fails, so that both answers can be seen.
      if (reloads++ % 2 === 0) {
        configError = world.mistakes
        const refused = new Refused(422, 'config-invalid', 'invalid', '配置有误')
        refused.document = { errors: world.mistakes }
        throw refused
      }
      configError = null
      return { changed: true, revision: 42 + reloads }
    },
  ],
]

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost')
  try {
    if (url.pathname.startsWith('/admin/')) await administer(request, response, url)
    else await serveFile(response, url)
  } catch (error) {
    const status = error instanceof tools.Refused ? error.status : 500
    if (!(error instanceof tools.Refused)) console.error(error)
    send(response, status, error.document ?? { title: 'mock failed', status }, 'application/problem+json')
  }
})

async function administer(request, response, url) {
  let text = ''
  for await (const chunk of request) text += chunk
  const body = text === '' ? {} : JSON.parse(text)
  const cookie = /hangu_dev=(\w+)/.exec(request.headers.cookie ?? '')?.[1]

  if (url.pathname === '/admin/session' && request.method === 'POST') {
    const user = USERS[body.username]
    if (user === undefined || body.password === 'wrong') {
      throw new Refused(401, 'credentials-wrong', 'the user name or the password is wrong', '用户名或口令不对')
    }
    const id = Math.random().toString(36).slice(2)
    const session = { ...user, csrf: CSRF, expires_ms: Date.now() + 8 * 3_600_000, permissions: GRANTS[user.role] }
    sessions.set(id, session)
    response.setHeader('Set-Cookie', `hangu_dev=${id}; Path=/; HttpOnly; SameSite=Strict`)
    return send(response, 200, session)
  }
  const session = sessions.get(cookie)
  if (session === undefined) throw new Refused(401, 'session-missing', 'not signed in', '未登录')
  if (request.method !== 'GET' && request.headers['hangu-csrf'] !== CSRF) {
    throw new Refused(403, 'csrf-missing', 'the request did not come from the console', '请求并非来自控制台')
  }
  if (url.pathname === '/admin/session') {
    if (request.method === 'GET') return send(response, 200, session)
    sessions.delete(cookie)
    return send(response, 204)
  }
  const granted = session.permissions.some((line) => {
    const [method, pattern] = line.split(' ')
    return (
      (method === '*' || method === request.method) &&
      (pattern.endsWith('*') ? url.pathname.startsWith(pattern.slice(0, -1)) : url.pathname === pattern)
    )
  })
  if (!granted) throw new Refused(403, 'role-may-not', 'your role may not do this', '您的角色不能执行此操作')
  if (url.pathname === '/admin/situational/stream') return stream(response)

  for (const [method, template, act] of ROUTES) {
    const found = new RegExp(`^${template.replace(/:id/g, '([^/]+)')}$`).exec(url.pathname)
    if (found === null || method !== request.method) continue
    const answer = act(found.slice(1).map(decodeURIComponent), url.searchParams, body, session)
    return send(response, answer === undefined ? 204 : 200, answer)
  }
  throw notFound()
}

function stream(response) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
  response.write(': open\n\n')
  streams.add(response)
  response.on('close', () => streams.delete(response))
}

function push(event, data) {
  for (const response of streams) response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`)
}

setInterval(() => {
  const now = Date.now()
  const zones = world.zoneNames.map((name) => ({ name, ...second(now, name) }))
  for (const zone of zones) {
    totals[zone.name][0] += zone.allowed + zone.refused
    totals[zone.name][1] += zone.refused
  }
  push('traffic', { t_ms: now, zones, connections: 3428 + Math.round(40 * Math.sin(now / 9000)) })
  for (let i = 0; i < 4; i++) {
    const event = world.makeEvent(now - i * 210)
    world.events.push(event)
    push('event', event)
  }
}, 1000).unref()

async function serveFile(response, url) {
  if (url.pathname === '/') {
    response.writeHead(302, { Location: '/console/' })
    return response.end()
  }
  const name = url.pathname.replace(/^\/console\//, '') || 'index.html'
  const path = normalize(join(DIST, decodeURIComponent(name)))
  if (!path.startsWith(DIST)) throw notFound()
  const body = await readFile(path).catch(() => {
    throw notFound()
  })
  response.writeHead(200, {
    'Content-Type': TYPES[extname(path)] ?? 'application/octet-stream',
    'Content-Security-Policy': POLICY,
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(body)
}

function send(response, status, body, type = 'application/json') {
  response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' })
  response.end(body === undefined ? undefined : JSON.stringify(body))
}

/** Ends every stream, to see what the console makes of it. */
export function breakStreams() {
  for (const response of streams) response.destroy()
}

/** Forgets every session, as a restart of the gateway would. */
export function forgetSessions() {
  sessions.clear()
}

/** Begins serving and returns the address. */
export function serve(port = 8799) {
  return new Promise((resolve) => {
    server.listen(port, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`))
  })
}

export function stop() {
  breakStreams()
  server.closeAllConnections()
  server.close()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(`console with invented data: ${await serve()}/console/`)
}
