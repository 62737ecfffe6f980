import { expect, test } from 'vitest'
import { STAGES, type Change, type Changes, type Finding } from '../src/api/policy'
import { ACTS, becauseOf, isStale, type Act } from '../src/policy/deeds'
import { fresh } from '../src/policy/fresh'
import { sorted } from '../src/policy/lines'
import { advanceOf, EMERGENCY_MS, proposalOf } from '../src/policy/propose'
import { questionOf } from '../src/policy/question'
import { attributesOf, caseLine, columnsIn, requestOf, told, typedOf } from '../src/policy/request'
import { vocabulary } from '../src/policy/vocabulary'

const change = (members: Partial<Change> = {}): Change => ({
  id: 1,
  bundle: 'b1',
  parent: 'b0',
  author: 'lin',
  reason: '',
  created_ms: 0,
  kind: 'ordinary',
  until_ms: null,
  stage: 'review',
  required: 2,
  approvals: [{ who: 'wu', when_ms: 0, reason: '' }],
  owners: [],
  reach: null,
  steps: [],
  review_due_ms: null,
  ...members,
})
const state: Pick<Changes, 'live' | 'candidate'> = {
  live: { bundle: 'b0', revision: 1, since_ms: 0, by: '' },
  candidate: null,
}
const why = (act: Act, members: Partial<Change>, person = 'chen', now = state) =>
  becauseOf(act, change(members), now, person)?.key

const full = [
  { who: 'wu', when_ms: 0, reason: '' },
  { who: 'zhou', when_ms: 0, reason: '' },
]

test('what somebody else may do in each stage is this and nothing else', () => {
  const table = STAGES.map(
    (stage) => `${stage}: ${ACTS.filter((act) => why(act, { stage, approvals: full }) === undefined).join(' ')}`,
  )
  expect(table).toEqual([
    'draft: ',
    'review: approve reject',
    'approved: reject shadow canary live',
    'shadow: canary live rollback',
    'canary: shadow canary live rollback',
    'live: ',
    'rejected: ',
    'withdrawn: ',
    'rolled-back: ',
    'superseded: ',
    'expired: ',
  ])
})

test('an author neither approves nor rejects, and alone withdraws', () => {
  expect(why('approve', {}, 'lin')).toBe('change.because.own')
  expect(why('reject', {}, 'lin')).toBe('change.because.ownReject')
  expect(why('withdraw', {}, 'lin')).toBeUndefined()
  expect(why('withdraw', { stage: 'canary' }, 'lin')).toBeUndefined()
  expect(why('withdraw', { stage: 'live' }, 'lin')).toBe('change.because.decided')
  expect(why('withdraw', {}, 'chen')).toBe('change.because.notOwn')
})

test('an author alone revises, until it is tried or over', () => {
  const stages = STAGES.filter((stage) => why('revise', { stage }, 'lin') === undefined)
  expect(stages).toEqual(['draft', 'review', 'approved'])
  expect(why('revise', { stage: 'approved', parent: 'old' }, 'lin')).toBeUndefined()
  expect(why('revise', {}, 'chen')).toBe('change.because.notOwnRevise')
  expect(why('revise', { stage: 'canary' }, 'lin')).toBe('change.because.running')
  expect(why('revise', { stage: 'live' }, 'lin')).toBe('change.because.over')
})

test('a change is stale only while it waits', () => {
  expect(isStale(change({ parent: 'old' }), state)).toBe(true)
  expect(isStale(change({ parent: 'old', stage: 'canary' }), state)).toBe(true)
  expect(isStale(change(), state)).toBe(false)
  expect(isStale(change({ parent: 'old', stage: 'live' }), state)).toBe(false)
  expect(isStale(change({ parent: 'old', stage: 'rejected' }), state)).toBe(false)
})

test('nobody approves twice', () => {
  expect(why('approve', {}, 'wu')).toBe('change.because.twice')
})

test('a change that lacks approvals goes nowhere, and says how many', () => {
  expect(becauseOf('live', change(), state, 'chen')).toEqual({ key: 'change.because.lacks', fill: { n: 1 } })
  expect(why('canary', { approvals: full })).toBe('change.because.notApproved')
  expect(why('canary', { stage: 'draft' })).toBe('change.because.draft')
})

test('a change based on a policy that is gone cannot move on', () => {
  expect(why('shadow', { stage: 'approved', approvals: full, parent: 'old' })).toBe('change.because.stale')
})

test('an emergency that ended is reviewed by somebody else, and one in force is approved', () => {
  expect(why('review', { stage: 'expired', review_due_ms: 1 })).toBeUndefined()
  expect(why('review', { stage: 'expired', review_due_ms: 1 }, 'lin')).toBe('change.because.own')
  expect(why('review', { stage: 'live', review_due_ms: 1 })).toBe('change.because.approveIt')
  expect(why('review', { stage: 'expired' })).toBe('change.because.noReview')
})

test('there is one candidate at a time', () => {
  const busy = { ...state, candidate: { change: 9 } as Changes['candidate'] }
  expect(why('canary', { stage: 'approved', approvals: full }, 'chen', busy)).toBe('change.because.busy')
  const own = { ...state, candidate: { change: 1 } as Changes['candidate'] }
  expect(why('live', { stage: 'canary', approvals: full }, 'chen', own)).toBeUndefined()
  expect(why('shadow', { stage: 'shadow', approvals: full }, 'chen', own)).toBe('change.because.there')
})

test('an emergency in force can be approved by another and ended by anybody', () => {
  const emergency = { kind: 'emergency', stage: 'live', approvals: [] } as const
  expect(why('approve', { ...emergency, approvals: [] })).toBeUndefined()
  expect(why('approve', { ...emergency, approvals: [] }, 'lin')).toBe('change.because.own')
  expect(why('rollback', { ...emergency, approvals: [] })).toBeUndefined()
  expect(why('rollback', { stage: 'live' })).toBe('change.because.useLive')
})

const RULES = [{ name: 'r', text: 'p\n' }]
const NOW = new Date('2026-11-22T10:00').getTime()

test('a proposal needs a reason, and an emergency an end within a day', () => {
  const ask = (reason: string, kind: 'ordinary' | 'emergency', until: string) =>
    proposalOf({ reason, kind, until }, { rules: RULES }, NOW)
  expect(ask('  ', 'ordinary', '')).toEqual({ wrong: 'propose.needsReason' })
  expect(ask(' r ', 'ordinary', 'ignored')).toEqual({ body: { reason: 'r', rules: RULES } })
  expect(ask('r', 'emergency', '')).toEqual({ wrong: 'propose.needsEnd' })
  expect(ask('r', 'emergency', '2026-11-22T10:00')).toEqual({ wrong: 'propose.endPast' })
  expect(ask('r', 'emergency', '2026-11-23T10:01')).toEqual({ wrong: 'propose.endFar' })
  expect(ask('r', 'emergency', '2026-11-23T10:00')).toEqual({
    body: { reason: 'r', rules: RULES, emergency_until_ms: NOW + EMERGENCY_MS },
  })
})

test('what a draft brings beside rules goes along', () => {
  const cases = [{ name: 't', text: '{}' }]
  const sent = proposalOf({ reason: 'r', kind: 'ordinary', until: '' }, { rules: RULES, cases }, NOW)
  expect(sent).toEqual({ body: { reason: 'r', rules: RULES, cases } })
})

test('a canary says on how many callers it is tried, and of which departments', () => {
  const step = { departments: '', share: null, reason: 'r' }
  expect(advanceOf({ ...step, to: 'canary', departments: 'hr' })).toEqual({ wrong: 'advance.needsShare' })
  expect(advanceOf({ ...step, to: 'canary', departments: 'hr，tax 住建', share: 100 })).toEqual({
    body: { to: 'canary', reason: 'r', departments: ['hr', 'tax', '住建'], share: 100 },
  })
  expect(advanceOf({ ...step, to: 'canary', share: 5 })).toEqual({ body: { to: 'canary', reason: 'r', share: 5 } })
  expect(advanceOf({ ...step, to: 'live', departments: 'hr', share: 5 })).toEqual({ body: { to: 'live', reason: 'r' } })
  expect(advanceOf({ ...step, to: 'shadow', reason: ' ' })).toEqual({ wrong: 'propose.needsReason' })
})

test('a request is sent with numbers and truth values, and without what is not known', () => {
  const typed = { sub: ' u:li ', path: '', 'ctx.aal': '2', 'ctx.cert': 'false', 'ctx.note': '办事' }
  const request = { sub: 'u:li', ctx: { aal: 2, cert: false, note: '办事' } }
  expect(requestOf(typed)).toEqual(request)
  expect(requestOf(typedOf(request))).toEqual(request)
  expect(typedOf({ sub: null, ctx: { aal: null, dev: 0 } })).toEqual({ 'ctx.dev': '0' })
})

test('each tool is asked what it takes and nothing else', () => {
  const asked = { typed: { sub: 'u:li', act: 'GET' }, faults: true, events: 50 }
  expect(questionOf('lint', asked)).toEqual({})
  expect(questionOf('test', asked)).toEqual({ faults: true })
  expect(questionOf('test', { ...asked, faults: false })).toEqual({})
  expect(questionOf('explain', asked)).toEqual({ request: { sub: 'u:li', act: 'GET' } })
  expect(questionOf('who-can', asked)).toEqual({ request: { act: 'GET' } })
  expect(questionOf('what-can', asked)).toEqual({ request: { sub: 'u:li', act: 'GET' } })
  expect(questionOf('replay', { ...asked, rules: RULES })).toEqual({ rules: RULES, events: 50 })
  expect(questionOf('diff', { ...asked, rules: RULES })).toEqual({ rules: RULES })
})

test('the attributes to ask for are those that the policy asks for', () => {
  const found = attributesOf({
    model: { name: 'm', text: 'm = g(r.sub, p.sub, r.dom) && r.ctx.zeal > 1' },
    rules: [{ name: 'r', text: 'p, r.ctx.cert && r.ctx.aal >= 2\np, r.ctx.aal >= 1' }],
  })
  expect([...found]).toEqual([['ctx', ['aal', 'cert', 'zeal']]])
})

test('a clause of the matcher is known by its column', () => {
  expect(columnsIn('(p.dom == "*" || r.dom == p.dom)')).toEqual(['dom'])
  expect(columnsIn('r.ctx.aal >= 2')).toEqual([])
})

test('a request is told as who, what and the rest', () => {
  const request = { sub: 'u:li', dom: 'hr', host: 'h', path: '/x', act: 'GET', ctx: { aal: 2 } }
  expect(told(request)).toEqual({
    who: 'u:li',
    what: 'GET h/x',
    rest: [
      ['dom', 'hr'],
      ['ctx.aal', '2'],
    ],
  })
})

test('a test is a line that the gateway reads', () => {
  expect(caseLine({ sub: 'u:li' }, true, '')).toBe('{"r":{"sub":"u:li"},"exp":true}')
})

test('answers, summary and errors are told apart', () => {
  const flip = { id: 'd', was: 'allow' }
  expect(sorted([flip, { id: 'x', error: 'no' }, { summary: { replayed: 2 } }])).toEqual({
    plain: [flip],
    summary: { replayed: 2 },
    errors: ['no'],
  })
  const summary = { run: 1, failed: 0, coverage: {} }
  expect(sorted([summary]).summary).toEqual(summary)
})

test('findings of a draft are its own, and every error', () => {
  // A guard rail that is older than the draft lies beside every rule and says nothing about it.
  const finding = (severity: Finding['severity'], line: number, others: string[] = []): Finding => ({
    code: 'broad',
    severity,
    file: 'r',
    line,
    message: '',
    message_zh: '',
    help: '',
    help_zh: '',
    others,
  })
  const findings = [
    finding('note', 1, ['r:2']),
    finding('note', 2),
    finding('error', 3),
    finding('warning', 4, ['r:2']),
  ]
  const { here, elsewhere } = fresh(findings, [{ file: 'r', kind: 'added', line: 2, text: '' }])
  expect(here.map(({ line }) => line)).toEqual([2, 3, 4])
  expect(elsewhere).toBe(1)
})

test('roles and callers to choose from are told apart', () => {
  const words = vocabulary({
    columns: ['sub', 'host'],
    rules: [{ name: 'r', text: 'p, role:a, h.example\np, svc:x, *\ng, u:li, role:b, hr\ng, role:b, role:a, hr\n' }],
  })
  expect(words).toEqual({
    columns: { sub: ['role:a', 'svc:x'], host: ['h.example'] },
    roles: ['role:a', 'role:b'],
    callers: ['svc:x', 'u:li'],
  })
})
