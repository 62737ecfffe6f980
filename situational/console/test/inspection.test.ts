import { expect, test } from 'vitest'
import type { Exception } from '../src/api/inspection'
import { becauseOf, stepsOf } from '../src/inspection/steps'

const exception = (by: string, approved: string[] = []): Exception => ({
  id: 1,
  state: 'pending',
  scope: { rule: 'sqli-union', portal: 'hr', path: '/a', parameter: 'q' },
  reason: 'r',
  by,
  created_ms: 0,
  until_ms: 1,
  approvals: 2,
  because: [],
  approved_by: approved,
  event: null,
  reach: {
    covered: 0,
    let_through: 0,
    still_refused: 0,
    not_refused: 0,
    callers: 0,
    addresses: 0,
    marked_attacks: 0,
  },
  steps: [],
})

test('who proposed an exception neither approves nor rejects it, and alone withdraws it', () => {
  const mine = exception('u:chen')
  expect(becauseOf('approve', mine, 'chen')).toBe('exception.because.own')
  expect(becauseOf('reject', mine, 'chen')).toBe('exception.because.own')
  expect(becauseOf('withdraw', mine, 'chen')).toBeUndefined()
  expect(becauseOf('withdraw', mine, 'zhou')).toBe('exception.because.notAuthor')
  expect(becauseOf('approve', mine, 'zhou')).toBeUndefined()
  expect(becauseOf('end', mine, 'chen')).toBeUndefined()
})

test('nobody approves twice', () => {
  expect(becauseOf('approve', exception('u:chen', ['u:zhou']), 'zhou')).toBe('exception.because.twice')
  expect(becauseOf('reject', exception('u:chen', ['u:zhou']), 'zhou')).toBeUndefined()
})

test('what is over has no more steps', () => {
  expect(stepsOf('pending')).toEqual(['approve', 'reject', 'withdraw'])
  expect(stepsOf('in-force')).toEqual(['end'])
  for (const state of ['rejected', 'withdrawn', 'ended', 'expired'] as const) expect(stepsOf(state)).toEqual([])
})
