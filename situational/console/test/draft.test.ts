import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ChangeDetail, Sources } from '../src/api/policy'
import { api } from '../src/api/endpoints'
import {
  addCase,
  base,
  begin,
  candidate,
  carryOver,
  cases,
  changed,
  discard,
  editStatements,
  isOutdated,
  keepRow,
  leftOut,
  model,
  newCases,
  openRow,
  pending,
  pendingStatements,
  proposed,
  readSources,
  refusal,
  removeRow,
  revises,
  rules,
  statements,
} from '../src/state/draft'
import { takeBack } from '../src/state/revise'
import { askTool, takeRequest, typed } from '../src/state/tools'

const sources = (members: Partial<Sources> = {}): Sources => ({
  revision: 'r-1',
  model: { name: 'model.conf', text: '' },
  rules: [
    { name: 'rules.csv', text: 'p, a\np, b\n' },
    { name: 'roles.csv', text: 'g, u, r\n' },
  ],
  cases: [],
  statements: [],
  columns: ['sub'],
  fields: ['sub'],
  ...members,
})

beforeEach(() => begin(sources()))
afterEach(() => vi.restoreAllMocks())

test('a row in the form is in the candidate, and in the draft only once it is kept', () => {
  openRow.value = { file: 'rules.csv', line: 2, after: 0, text: 'p, c' }
  expect(candidate.value[0]?.text).toBe('p, a\np, c\n')
  expect(rules.value[0]?.text).toBe('p, a\np, b\n')
  openRow.value = undefined
  expect(changed.value).toBe(false)
  openRow.value = { file: 'rules.csv', line: undefined, after: 1, text: 'p, new' }
  keepRow()
  expect(rules.value[0]?.text).toBe('p, a\np, new\np, b\n')
  expect(rules.value[1]?.text).toBe('g, u, r\n')
  expect(pending.value).toEqual([{ file: 'rules.csv', kind: 'added', line: 2, text: 'p, new' }])
})

test('a row that is removed is gone, and comes back when the draft is discarded', () => {
  removeRow('rules.csv', 1)
  expect(pending.value).toEqual([{ file: 'rules.csv', kind: 'removed', line: 1, text: 'p, a' }])
  discard()
  expect(changed.value).toBe(false)
  expect(rules.value).toEqual(sources().rules)
})

test('a test that is added makes a draft, and does not touch the tests that were there', () => {
  addCase('{"r":1}')
  expect(cases.value).toEqual([{ name: 'console.policy-test.jsonl', text: '{"r":1}\n' }])
  expect(changed.value).toBe(true)
  begin(sources({ cases: [{ name: 't', text: 'old' }] }))
  addCase('new')
  expect(newCases.value).toEqual([{ name: 't', text: 'old\nnew\n' }])
})

test('a draft keeps what it began from though the policy moved on', async () => {
  vi.spyOn(api, 'sources').mockResolvedValue(sources({ revision: 'r-2' }))
  removeRow('rules.csv', 1)
  expect((await readSources()).revision).toBe('r-2')
  expect(base.value?.revision).toBe('r-1')
  expect(rules.value[0]?.text).toBe('p, b\n')
  discard()
  await readSources()
  expect(base.value?.revision).toBe('r-2')
})

test('a statement that is added, and a model of its own, make a draft and are sent with it', () => {
  editStatements('console.statements', (text) => `${text}nobody reaches any portal\n`)
  expect(changed.value).toBe(true)
  expect(proposed.value).toEqual({
    rules: sources().rules,
    statements: [{ name: 'console.statements', text: 'nobody reaches any portal\n' }],
  })
  expect(pendingStatements.value.map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    'added nobody reaches any portal',
  ])
})

test('mistakes of a proposal are told until the draft changes', () => {
  removeRow('rules.csv', 1)
  refusal.value = [{ file: 'rules.csv', line: 1, column: 1, message: 'no', message_zh: '不行' }]
  removeRow('rules.csv', 1)
  expect(refusal.value).toEqual([])
})

test('a draft is carried over to what is live now, and what does not fit is told', () => {
  openRow.value = { file: 'rules.csv', line: 1, after: 0, text: 'p, mine' }
  const moved = (...rows: string[]) =>
    sources({
      revision: 'r-2',
      rules: [{ name: 'rules.csv', text: `${rows.join('\n')}\n` }, ...sources().rules.slice(1)],
    })
  expect(isOutdated(moved('p, a', 'p, other'))).toBe(true)
  expect(isOutdated(sources())).toBe(false)
  expect(isOutdated(sources({ statements: [{ name: 's', text: 'x' }] }))).toBe(true)
  expect(isOutdated(sources({ model: { name: 'model.conf', text: '# a word' } }))).toBe(true)
  carryOver(moved('p, a', 'p, between', 'p, other'))
  expect(rules.value[0]?.text).toBe('p, mine\np, between\np, other\n')
  expect(leftOut.value).toEqual([])
  carryOver(moved('p, theirs', 'p, b'))
  expect(rules.value[0]?.text).toBe('p, theirs\np, b\n')
  expect(leftOut.value.map(({ text }) => text)).toEqual(['p, a', 'p, mine'])
})

const change = (members: Partial<ChangeDetail>): ChangeDetail => ({
  ...({
    id: 7,
    bundle: 'c',
    parent: 'old',
    reason: 'why',
    approvals: [{ who: 'wu', when_ms: 0, reason: '' }],
  } as ChangeDetail),
  model: sources().model,
  rules: [{ name: 'rules.csv', text: 'p, a\np, b\np, mine\n' }, ...sources().rules.slice(1)],
  statements: [{ name: 's', text: 'one\nmine\n' }],
  cases: [],
  before: { ...sources(), statements: [{ name: 's', text: 'one\n' }] },
  diff: null,
  ...members,
})
test('a change is taken back on top of what is live, compared with what it was written on', async () => {
  const live = sources({
    revision: 'r-9',
    rules: [{ name: 'rules.csv', text: 'p, first\np, a\np, b\n' }, ...sources().rules.slice(1)],
    statements: [{ name: 's', text: 'one\ntheirs\n' }],
  })
  vi.spyOn(api, 'sources').mockResolvedValue(live)
  await takeBack(change({}))
  expect(rules.value[0]?.text).toBe('p, first\np, a\np, b\np, mine\n')
  expect(statements.value).toEqual([{ name: 's', text: 'one\ntheirs\nmine\n' }])
  expect(revises.value).toEqual({ id: 7, reason: 'why', approvals: ['wu'] })
  expect(Object.keys(proposed.value)).toEqual(['rules', 'statements'])
})

test('a change that brings a model of its own keeps it', async () => {
  vi.spyOn(api, 'sources').mockResolvedValue(sources())
  await takeBack(change({ model: { name: 'model.conf', text: 'other' } }))
  expect(model.value).toEqual({ name: 'model.conf', text: 'other' })
  expect(proposed.value.model).toEqual(model.value)
})

test('one question to the tools is under way at a time, and a failure does not stop the next', async () => {
  const running: string[] = []
  let most = 0
  vi.spyOn(api, 'tool').mockImplementation(async (tool) => {
    running.push(tool)
    most = Math.max(most, running.length)
    await Promise.resolve()
    running.splice(running.indexOf(tool), 1)
    if (tool === 'diff') throw new Error('no')
    return { revision: tool, lines: [] }
  })
  const answers = await Promise.allSettled([askTool('lint', {}), askTool('diff', {}), askTool('test', {})])
  expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(most).toBe(1)
})

test('a question that nobody waits for any more is not asked', async () => {
  const tool = vi.spyOn(api, 'tool').mockResolvedValue({ revision: 1, lines: [] })
  expect(await askTool('lint', {}, () => true)).toBeUndefined()
  expect(tool).not.toHaveBeenCalled()
})

test('a request that is taken over leaves nothing of the one before', () => {
  takeRequest({ sub: 'u:li', ctx: { aal: 2 } })
  takeRequest({ act: 'GET' })
  expect({ ...typed }).toEqual({ act: 'GET' })
})
