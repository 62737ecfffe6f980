import { expect, test } from 'vitest'
import { addedStatement, PATTERNS, statementLines, statementsOf, withStatement } from '../src/policy/statements'
import { witnessOf } from '../src/policy/witness'
import { beside } from './beside'

const FILE = `# What must hold.

# --- zones ------
nothing from internet reaches an intranet portal
  # between
  without a certificate # why
portal "a # b" is reached only from extranet
`

test('statements are told with their lines, and with the comment above them', () => {
  expect(statementsOf(FILE)).toEqual([
    {
      line: 4,
      end: 6,
      raw: 'nothing from internet reaches an intranet portal\n  # between\n  without a certificate # why',
      text: 'nothing from internet reaches an intranet portal without a certificate',
      about: 'zones',
    },
    {
      line: 7,
      end: 7,
      raw: 'portal "a # b" is reached only from extranet',
      text: 'portal "a # b" is reached only from extranet',
      about: '',
    },
  ])
})

test('every statement that ships is found', () => {
  const text = beside('configs/policy/rules.statements')
  const written = text.split('\n').filter((line) => /^[^#\s]/.test(line))
  expect(statementsOf(text).map((one) => one.text)).toEqual(written)
})

test('what is typed in lines is one statement', () => {
  expect(statementLines('  nothing\n\nfrom internet\n')).toEqual(['nothing', '  from internet'])
  expect(statementLines(' \n')).toEqual([])
})

test('a statement is replaced, taken away and added without touching its neighbours', () => {
  const [first, second] = statementsOf(FILE)
  if (first === undefined || second === undefined) throw new Error('two statements')
  expect(statementsOf(withStatement(FILE, first, ['nobody reaches any portal'])).map(({ text }) => text)).toEqual([
    'nobody reaches any portal',
    second.text,
  ])
  expect(statementsOf(withStatement(FILE, first, [])).map(({ text }) => text)).toEqual([second.text])
  expect(withStatement('a\r\nb\r\n', { line: 1, end: 1 }, ['x', '  y'])).toBe('x\r\n  y\r\nb\r\n')
  expect(addedStatement('a', ['b'])).toBe('a\nb\n')
  expect(addedStatement('', ['b', '  c'])).toBe('b\n  c\n')
  expect(addedStatement('a\r\n', ['b'])).toBe('a\r\nb\r\n')
})

test('sentences to begin from are one statement each', () => {
  for (const [, text] of PATTERNS) expect(statementsOf(`${text}\n`).map((one) => one.text)).toEqual([text])
})

test('what shows that a statement does not hold is read out of the sentence', () => {
  const request = { sub: 'u:bo', path: '/a with b', ctx: { aal: 2 } }
  const said = JSON.stringify(request)
  expect(
    witnessOf(
      `the statement does not hold: ${said} at portal staff is allowed by policy/rules.csv:6, b.csv:1 with redact:L3;rate:silver`,
    ),
  ).toEqual({
    kind: 'request',
    request,
    portal: 'staff',
    rules: ['policy/rules.csv:6', 'b.csv:1'],
    obligations: 'redact:L3;rate:silver',
  })
  expect(witnessOf(`the statement does not hold: ${said} is allowed by r:1`)).toMatchObject({
    portal: '',
    rules: ['r:1'],
    obligations: '',
  })
  expect(
    witnessOf(
      'the statement does not hold: {"sub":"u:m","roles":["role:a","role:b"],"dom":"staff"} through r:13, r:14',
    ),
  ).toEqual({ kind: 'roles', who: 'u:m', roles: ['role:a', 'role:b'], department: 'staff', rules: ['r:13', 'r:14'] })
})

test('what cannot be decided says which clause stands in the way', () => {
  expect(
    witnessOf(
      'the statement cannot be decided: r:3 asks `r.ctx.aal > r.ctx.risk`, which the analysis does not see through',
    ),
  ).toEqual({ kind: 'undecided', rule: 'r:3', clause: 'r.ctx.aal > r.ctx.risk' })
  expect(witnessOf('the statement cannot be decided: too many cases; narrow its scope')).toEqual({
    kind: 'undecided',
    rule: '',
    clause: '',
  })
  expect(witnessOf('the statement cannot be decided: too many cases at r:9; narrow the scope')).toMatchObject({
    rule: 'r:9',
  })
})

test('any other sentence is left as it came', () => {
  expect(witnessOf('unknown portal `stuff`; did you mean `staff`?')).toBeUndefined()
  expect(witnessOf('the statement does not hold: {broken is allowed by r:1')).toBeUndefined()
})

test('the sentences are those that the policy says', () => {
  const source = beside('policy/src/statement/verdict.rs')
  for (const piece of [
    'does not hold: {request}{to_en} is allowed by {rules}{}',
    '" at portal {to}"',
    'cost(" with ")',
    'does not hold: {holder} through {}',
    'cannot be decided: too many cases; narrow its scope',
    'cannot be decided: {} asks `{}`, which the analysis does not see through',
  ])
    expect(source).toContain(piece)
})
