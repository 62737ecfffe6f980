import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Sources } from '../src/api/policy'
import { api } from '../src/api/endpoints'
import {
  addCase,
  base,
  begin,
  candidate,
  cases,
  changed,
  discard,
  keepRow,
  newCases,
  openRow,
  pending,
  readSources,
  removeRow,
  rules,
} from '../src/state/draft'
import { askTool, takeRequest, typed } from '../src/state/tools'

const sources = (members: Partial<Sources> = {}): Sources => ({
  revision: 'r-1',
  model: { name: 'model.conf', text: '' },
  rules: [
    { name: 'rules.csv', text: 'p, a\np, b\n' },
    { name: 'roles.csv', text: 'g, u, r\n' },
  ],
  cases: [],
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
