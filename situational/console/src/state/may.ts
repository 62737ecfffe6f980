import type { Method } from '../api/client'
import type { Role, Session } from '../api/types'

/** One thing the console can ask of the gateway, as method and path. */
export type Deed = readonly [method: Method, path: string]

/**
 * What each role may do when the gateway sent no permissions. It only decides what is drawn as
 * disabled; the gateway decides what happens.
 */
const BY_ROLE: Record<Role, readonly string[]> = {
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

export const ROLES: readonly Role[] = ['sysadmin', 'secadmin', 'auditor']

export function may(session: Session | undefined, [method, path]: Deed): boolean {
  if (session === undefined) return false
  const granted = session.permissions.length > 0 ? session.permissions : BY_ROLE[session.role]
  return granted.some((line) => covers(line, method, path))
}

/** The roles to ask when one's own may not. */
export function whoMay([method, path]: Deed): Role[] {
  return ROLES.filter((role) => BY_ROLE[role].some((line) => covers(line, method, path)))
}

function covers(line: string, method: string, path: string): boolean {
  const blank = line.indexOf(' ')
  if (blank < 0) return false
  const methods = line.slice(0, blank)
  const pattern = line.slice(blank + 1).trim()
  if (methods !== '*' && !methods.split(/[|,]/).includes(method)) return false
  return pattern.endsWith('/*') ? path.startsWith(pattern.slice(0, -1)) : path === pattern
}

/** The deeds the pages ask about, with a stand-in where the path has a variable part. */
export const DEED = {
  overview: ['GET', '/admin/situational/overview'],
  stream: ['GET', '/admin/situational/stream'],
  events: ['GET', '/admin/audit/events'],
  alerts: ['GET', '/admin/situational/alerts'],
  handleAlert: ['POST', '/admin/situational/alerts/0/acknowledge'],
  undoResponse: ['DELETE', '/admin/situational/alerts/0/response'],
  callers: ['GET', '/admin/situational/callers'],
  endSessions: ['DELETE', '/admin/situational/callers/0/sessions'],
  bans: ['GET', '/admin/situational/bans'],
  ban: ['POST', '/admin/situational/bans'],
  lift: ['DELETE', '/admin/situational/bans/0'],
  policy: ['GET', '/admin/policy/current'],
  sources: ['GET', '/admin/policy/sources'],
  tools: ['POST', '/admin/policy/tools/0'],
  changes: ['GET', '/admin/policy/changes'],
  propose: ['POST', '/admin/policy/changes'],
  judgeChange: ['POST', '/admin/policy/changes/0/approve'],
  moveChange: ['POST', '/admin/policy/changes/0/advance'],
  rollBack: ['POST', '/admin/policy/rollback'],
  redactionTrial: ['POST', '/admin/redaction/trial'],
  redactionFields: ['GET', '/admin/redaction/fields'],
  reveal: ['POST', '/admin/redaction/reveal'],
  person: ['POST', '/admin/redaction/person'],
  inspection: ['GET', '/admin/inspection/rules'],
  markFinding: ['POST', '/admin/inspection/events/0/mark'],
  exceptFinding: ['POST', '/admin/inspection/exceptions'],
  judgeException: ['POST', '/admin/inspection/exceptions/0/approve'],
  decision: ['GET', '/admin/policy/decisions/0'],
  system: ['GET', '/admin/system/status'],
  reload: ['POST', '/admin/system/reload'],
} as const satisfies Record<string, Deed>
