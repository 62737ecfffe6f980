import { expect, test } from 'vitest'
import { lineChanges } from '../src/policy/compare'
import { parseRow, printRow, unwritable } from '../src/policy/csv'
import { inserted, replaced, rowsOf, rulesOf, without } from '../src/policy/files'
import { placeFor } from '../src/policy/place'

const COLUMNS = ['sub', 'dom', 'src', 'host', 'path', 'act', 'cond', 'eft', 'obl']

test('what is printed is read back as it was', () => {
  const pieces = [
    '',
    'a',
    'role:职员',
    'a, b',
    'say "hi"',
    '"',
    '""',
    ' lead',
    'trail ',
    '　全角',
    ',',
    '办事，大厅',
    '#',
    '^(GET|PUT)$',
  ]
  for (const first of pieces)
    for (const last of pieces) {
      const cells = ['p', first, 'middle', last]
      expect(parseRow(printRow(cells)), JSON.stringify(cells)).toEqual(cells)
    }
})

test('only fields that need it are quoted', () => {
  expect(printRow(['p', '办事', 'a, b', 'say "hi"', 'x '])).toBe('p, 办事, "a, b", "say ""hi""", "x "')
  expect(printRow(['p', 'a', 'allow', ''])).toBe('p, a, allow,')
})

test('rows are read as the gateway reads them', () => {
  // The first five are the gateway's own vectors.
  expect(parseRow('p, "a, b" , c')).toBeUndefined()
  expect(parseRow('p, "a, b",c,')).toEqual(['p', 'a, b', 'c', ''])
  expect(parseRow('p, "say ""hi""" ')).toEqual(['p', 'say "hi"'])
  expect(parseRow('p, "a')).toBeUndefined()
  expect(parseRow('p, a"b')).toBeUndefined()
  expect(parseRow('p, a , b')).toBeUndefined()
  expect(parseRow('p, a  ')).toEqual(['p', 'a'])
  expect(parseRow('p, a\r')).toEqual(['p', 'a'])
  expect(parseRow('p, a\u0007b')).toBeUndefined()
  expect(parseRow('p,, x')).toEqual(['p', '', 'x'])
})

test('a character that no rule file may hold is told', () => {
  expect(unwritable('a\nb')).toBe(true)
  expect(unwritable('\ufeffa')).toBe(true)
  expect(unwritable('a\tb 办事')).toBe(false)
})

const FILE = [
  '# 规则',
  'p, role:a, d, *, h, /x, *, true, allow,',
  '',
  'g, u:li, role:a, d',
  'p, *, *, *, *, /*, *, true, deny,',
  '',
].join('\n')

test('rules are found at their lines, and roles are none', () => {
  expect(rulesOf(FILE).map(({ line, fields }) => [line, fields.length])).toEqual([
    [2, 9],
    [5, 9],
  ])
  expect(rowsOf(FILE, 'g').map(({ fields }) => fields)).toEqual([['u:li', 'role:a', 'd']])
  expect(rowsOf('g2, a, b', 'g')).toEqual([])
})

test('a row is replaced, added and removed without touching its neighbours', () => {
  expect(replaced('a\r\nb\r\nc', 2, 'B')).toBe('a\r\nB\r\nc')
  expect(inserted('a\r\nb\r\n', 1, 'x')).toBe('a\r\nx\r\nb\r\n')
  expect(inserted('a\nb\n', 2, 'x')).toBe('a\nb\nx\n')
  expect(inserted('a\nb', 2, 'x')).toBe('a\nb\nx\n')
  expect(inserted('', 0, 'x')).toBe('x\n')
  expect(inserted('a\n', 0, 'x')).toBe('x\na\n')
  expect(without('a\nb\nc\n', 2)).toBe('a\nc\n')
})

test('a rule goes behind the last of its like', () => {
  const text = [
    'p, *, *, *, *, /*, *, true, deny,',
    'p, role:a, hr, *, hr.example, /1, *, true, allow,',
    'p, role:b, hr, *, hr.example, /2, *, true, allow,',
    'p, role:a, tax, *, tax.example, /3, *, true, allow,',
    '',
  ].join('\n')
  const at = (host: string, dom: string, eft: string) =>
    placeFor(text, COLUMNS, ['role:z', dom, '*', host, '/n', '*', 'true', eft, ''])
  expect(at('hr.example', 'hr', 'allow')).toBe(3)
  expect(at('tax.example', 'tax', 'allow')).toBe(4)
  expect(at('new.example', 'new', 'deny')).toBe(1)
  expect(at('new.example', 'new', 'allow')).toBe(4)
  expect(placeFor('', COLUMNS, [])).toBe(1)
})

test('the difference of two texts is the lines that differ, each at its own place', () => {
  expect(lineChanges('a\nb\nc\n', 'a\nB\nc\nd\n')).toEqual([
    { kind: 'removed', line: 2, text: 'b' },
    { kind: 'added', line: 2, text: 'B' },
    { kind: 'added', line: 4, text: 'd' },
  ])
  expect(lineChanges('a\n', 'a\n')).toEqual([])
  expect(lineChanges('', 'a\n')).toEqual([{ kind: 'added', line: 1, text: 'a' }])
})

test('a text that changed everywhere is still compared', () => {
  const many = (word: string) => Array.from({ length: 4000 }, (_, i) => `${word}${i}`).join('\n')
  expect(lineChanges(many('a'), many('b'))).toHaveLength(8000)
})
