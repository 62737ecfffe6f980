import { expect, test } from 'vitest'
import { noConditions, parseCondition, printCondition, topLevel } from '../src/policy/condition'
import { noObligations, parseObligations, printObligations } from '../src/policy/obligations'
import { blankRule, effectOf, fieldsOf, formOf, illegible, missing, parseAction, printAction } from '../src/policy/rule'

const COLUMNS = ['sub', 'dom', 'src', 'host', 'path', 'act', 'cond', 'eft', 'obl']
const ROWS = [
  ['*', '*', '*', '*', '/*', '*', 'r.ctx.risk >= 80', 'deny', 'log:full;alert:soc'],
  [
    'role:citizen',
    'portal',
    '*',
    'portal.gov.example',
    '/办事/:item',
    '^(GET|POST)$',
    'r.ctx.aal >= 1',
    'allow',
    'rate:silver;redact:L2',
  ],
  [
    'role:officer',
    'hr',
    'zone:gov',
    'hr.gov.example',
    '/api/v1/export/*',
    '^GET$',
    'r.ctx.aal >= 3 && r.ctx.min >= 540 && r.ctx.min < 1080 && r.ctx.dow <= 5',
    'allow',
    'log:full',
  ],
  [
    'svc:etl',
    'hr',
    'zone:intranet',
    'hr.gov.example',
    '/a, b',
    'GET|PUT',
    'r.ctx.cert',
    'allow',
    'fields:taxno|name;quota:50;~note:x',
  ],
  ['u:li', 'hr', '*', '*', '/', '*', 'r.ctx.aal >= 1 || r.sub == "u:zhao && x"', 'allow', ''],
]

test('opening a rule changes nothing of its text', () => {
  for (const row of ROWS) expect(fieldsOf(formOf(COLUMNS, row), COLUMNS, row)).toEqual(row)
})

test('a change of one part leaves the others as they were written', () => {
  const row = ROWS[1] ?? []
  const form = formOf(COLUMNS, row)
  form.path = '/办事/:item/附件'
  const expected = [...row]
  expected[4] = '/办事/:item/附件'
  expect(fieldsOf(form, COLUMNS, row)).toEqual(expected)
  form.conditions.assurance = 2
  expected[6] = 'r.ctx.aal >= 2'
  expect(fieldsOf(form, COLUMNS, row)).toEqual(expected)
})

test('a form that is printed and read is the same form', () => {
  for (const row of ROWS) {
    const form = formOf(COLUMNS, row)
    expect(formOf(COLUMNS, fieldsOf(form, COLUMNS))).toEqual(form)
  }
})

test('a rule that turns into a deny keeps only what a deny may ask for', () => {
  const row = ['role:a', 'd', '*', 'h', '/', '*', 'true', 'allow', 'redact:L1;rate:gold;log:full;alert:soc']
  const form = formOf(COLUMNS, row)
  form.effect = 'deny'
  expect(fieldsOf(form, COLUMNS, row).slice(7)).toEqual(['deny', 'log:full;alert:soc'])
})

test('every part of a condition finds its place and comes out again', () => {
  const text =
    'r.ctx.aal >= 2 && r.ctx.cert && r.ctx.risk < 50 && r.ctx.dev >= 60 && r.ctx.min >= 540 && r.ctx.min < 1080 && r.ctx.dow >= 1 && r.ctx.dow <= 5'
  const form = parseCondition(text)
  expect(form).toEqual({
    ...noConditions(),
    assurance: 2,
    certificate: true,
    riskBelow: 50,
    deviceFrom: 60,
    from: '09:00',
    until: '18:00',
    firstDay: 1,
    lastDay: 5,
  })
  expect(printCondition(form)).toBe(text)
})

test('hours over midnight and days over the weekend are joined by or', () => {
  const form = { ...noConditions(), from: '22:00', until: '06:00', firstDay: 6, lastDay: 1 }
  const text = '(r.ctx.min >= 1320 || r.ctx.min < 360) && (r.ctx.dow >= 6 || r.ctx.dow <= 1)'
  expect(printCondition(form)).toBe(text)
  expect(parseCondition(text)).toEqual(form)
})

test('midnight as an end is the end of the day', () => {
  expect(printCondition({ ...noConditions(), from: '18:00', until: '00:00' })).toBe('r.ctx.min >= 1080')
  expect(printCondition({ ...noConditions(), from: '00:00', until: '06:00' })).toBe('r.ctx.min < 360')
})

test('what the form does not know stays as text', () => {
  for (const text of ['r.ctx.aal > 2', 'r.ctx.sess < 30', 'r.ctx.aal >= 9', 'a && (b || c)', 'a || b', '!r.ctx.cert']) {
    expect(printCondition(parseCondition(text)), text).toBe(text)
    expect(parseCondition(text).free, text).toBe(text)
  }
  expect(parseCondition('r.ctx.aal >= 1 && r.ctx.aal >= 2')).toMatchObject({ assurance: 1, free: 'r.ctx.aal >= 2' })
})

test('an or in the free condition cannot let go of the others', () => {
  const form = { ...noConditions(), assurance: 3, free: 'r.ctx.risk < 10 || r.ctx.dev >= 90' }
  expect(printCondition(form)).toBe('r.ctx.aal >= 3 && (r.ctx.risk < 10 || r.ctx.dev >= 90)')
  expect(printCondition({ ...form, assurance: null })).toBe('r.ctx.risk < 10 || r.ctx.dev >= 90')
})

test('no condition is true', () => {
  expect(printCondition(noConditions())).toBe('true')
  expect(parseCondition('true')).toEqual(noConditions())
})

test('an operator inside quotes or brackets joins nothing', () => {
  expect(topLevel('a == "x && y" && (b && c) && d', '&&')).toEqual(['a == "x && y"', '(b && c)', 'd'])
})

test('methods are anchored, and a pattern that is not is left alone', () => {
  expect(printAction(parseAction('^GET$'))).toBe('^GET$')
  expect(printAction(parseAction('^(PUT|GET)$'))).toBe('^(GET|PUT)$')
  expect(printAction({ kind: 'methods', methods: [], pattern: '' })).toBe('')
  expect(parseAction('GET|PUT')).toEqual({ kind: 'pattern', methods: [], pattern: 'GET|PUT' })
  expect(parseAction('^(GET|LOCK)$').kind).toBe('pattern')
  expect(parseAction('*').kind).toBe('any')
})

test('obligations are written as the gateway writes them', () => {
  const text = 'redact:L2;log:full;rate:gold;watermark:on;quota:7;fields:a|b;foureyes:role:x;stepup:3;alert:soc;~note:x'
  expect(printObligations(parseObligations(text), 'allow')).toBe(text)
  expect(parseObligations('redact:L9;quota:-1;stepup:5;log:some').others).toBe('redact:L9;quota:-1;stepup:5;log:some')
  expect(printObligations({ ...noObligations(), alert: 'soc, ciso 值班' }, 'deny')).toBe('alert:soc|ciso|值班')
  expect(printObligations({ ...noObligations(), quota: 0, stepup: 0 }, 'allow')).toBe('quota:0;stepup:0')
})

test('a blank rule says what it lacks', () => {
  const form = blankRule(COLUMNS)
  expect(missing(form, COLUMNS)).toEqual(['sub', 'path'])
  form.subject.name = 'clerk'
  form.path = '/x'
  form.action.methods = []
  expect(missing(form, COLUMNS)).toEqual(['act'])
  form.action.kind = 'any'
  expect(missing(form, COLUMNS)).toEqual([])
  expect(fieldsOf(form, COLUMNS)).toEqual(['role:clerk', '*', '*', '*', '/x', '*', 'true', 'allow', ''])
})

test('a line feed in a field is told before the gateway tells it', () => {
  const form = blankRule(COLUMNS)
  form.path = '/a\nb'
  expect(illegible(form, COLUMNS)).toEqual(['path'])
})

test('columns of another model are kept by name', () => {
  const columns = ['sub', 'tier', 'eft']
  const form = formOf(columns, ['u:li', 'gold', 'deny'])
  expect(form.others).toEqual({ tier: 'gold' })
  form.others.tier = 'tin'
  expect(fieldsOf(form, columns, ['u:li', 'gold', 'deny'])).toEqual(['u:li', 'tin', 'deny'])
})

test('what settles a disagreement is read from the model', () => {
  const of = (effect: string): string => effectOf(`[policy_effect]\ne = ${effect}\n\n[matchers]\nm = priority(1)\n`)
  expect(of('some(where (p.eft == allow)) && !some(where (p.eft == deny))')).toBe('deny')
  expect(of('!some(where (p.eft==deny))')).toBe('deny')
  expect(of('priority(p.eft) || deny')).toBe('first')
  expect(of('subjectPriority(p.eft) || deny')).toBe('first')
  expect(of('some(where (p.eft == allow))')).toBe('other')
  expect(effectOf('')).toBe('other')
})
