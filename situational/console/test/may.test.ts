import { expect, test } from 'vitest'
import type { Role, Session } from '../src/api/types'
import { DEED, may, ROLES, whoMay } from '../src/state/may'

const session = (role: Role, permissions: string[] = []): Session => ({
  user: 'u',
  name: 'u',
  role,
  csrf: 'c',
  expires_ms: 0,
  permissions,
})

test('the table of who may do what is this and nothing else', () => {
  const table = Object.entries(DEED).map(
    ([name, deed]) => `${name}: ${ROLES.filter((role) => may(session(role), deed)).join(' ')}`,
  )
  expect(table).toEqual([
    'overview: sysadmin secadmin auditor',
    'stream: sysadmin secadmin auditor',
    'events: auditor',
    'alerts: secadmin auditor',
    'handleAlert: secadmin',
    'undoResponse: secadmin',
    'callers: secadmin',
    'endSessions: secadmin',
    'bans: secadmin',
    'ban: secadmin',
    'lift: secadmin',
    'policy: secadmin',
    'sources: secadmin auditor',
    'tools: secadmin auditor',
    'changes: secadmin auditor',
    'propose: secadmin',
    'judgeChange: secadmin',
    'moveChange: secadmin',
    'rollBack: secadmin',
    'redactionTrial: secadmin',
    'redactionFields: secadmin auditor',
    'reveal: secadmin',
    'person: auditor',
    'inspection: secadmin auditor',
    'markFinding: secadmin',
    'exceptFinding: secadmin',
    'judgeException: secadmin',
    'decision: secadmin auditor',
    'system: sysadmin',
    'reload: sysadmin',
  ])
})

test('nobody who is not signed in may do anything', () => {
  for (const deed of Object.values(DEED)) expect(may(undefined, deed)).toBe(false)
})

test('what the gateway grants goes before what the role is known for', () => {
  const auditor = session('auditor', ['GET|POST /admin/situational/bans'])
  expect(may(auditor, DEED.ban)).toBe(true)
  expect(may(auditor, DEED.lift)).toBe(false)
  expect(may(auditor, DEED.events)).toBe(false)
})

test('a grant of a path does not grant its neighbours', () => {
  const one = session('auditor', ['GET /admin/audit/events', 'GET', '', '* /admin/policy/*'])
  expect(may(one, ['GET', '/admin/audit/events'])).toBe(true)
  expect(may(one, ['GET', '/admin/audit/events/1'])).toBe(false)
  expect(may(one, ['GET', '/admin/policyx'])).toBe(false)
})

test('a refusal can name who to ask', () => {
  expect(whoMay(DEED.reload)).toEqual(['sysadmin'])
  expect(whoMay(DEED.alerts)).toEqual(['secadmin', 'auditor'])
})
