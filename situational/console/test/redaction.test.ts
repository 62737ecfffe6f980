import { expect, test } from 'vitest'
import { codes } from '../src/i18n'
import { bytes, EXAMPLE, guess, TYPES } from '../src/redaction/body'
import { pieces } from '../src/redaction/compare'
import { legible } from '../src/redaction/legible'
import { beside } from './beside'

const changed = (before: string, after: string) =>
  pieces(before, after).flatMap(({ text, was }) => (was === undefined ? [] : [[was, text]]))

test('what was masked is told with what it was, and nothing else is', () => {
  const before = '{"phone": "13800138000", "order": "20261122", "mail": "li@example.com"}'
  const after = '{"phone": "138****8000", "order": "20261122", "mail": "l***@example.com"}'
  expect(changed(before, after)).toEqual([
    ['13800138000', '138****8000'],
    ['li@example', 'l***@example'],
  ])
})

test('the pieces are the text, whatever was changed', () => {
  const word = (n: number) => ['a', 'bb', '张三', '138', ', ', '\n', '"', ' '][n % 8] ?? ''
  let seed = 7
  const random = (n: number) => (seed = (seed * 48271) % 2147483647) % n
  for (let round = 0; round < 300; round++) {
    const parts = Array.from({ length: random(60) }, () => word(random(8)))
    const masked = parts.map((part) => (random(6) === 0 ? ['***', '', 'x y'][random(3)] : part))
    const all = pieces(parts.join(''), masked.join(''))
    expect(all.map(({ text }) => text).join('')).toBe(masked.join(''))
    const back = all.map(({ text, was }) => was ?? text).join('')
    expect(back).toBe(parts.join(''))
  }
})

test('a value that was taken out leaves a place, and a body that is as it was has none', () => {
  expect(changed('name: 张三, age: 40', 'name: , age: 40')).toEqual([['张三', '']])
  expect(changed(EXAMPLE, EXAMPLE)).toEqual([])
  expect(pieces('', '')).toEqual([])
})

test('a quarter of a megabyte on one line is compared value by value', () => {
  const person = (phone: string) => `{"name":"李四","phone":"${phone}","n":1},`
  const found = changed(person('13800138000').repeat(5_000), person('138****8000').repeat(5_000))
  expect(found).toHaveLength(5_000)
})

test('a pasted body shows its format where it can', () => {
  expect(guess(EXAMPLE)).toBe('application/json')
  expect(guess('{"a":1}\n{"a":2}\n')).toBe('application/x-ndjson')
  expect(guess('<!DOCTYPE html><p>x')).toBe('text/html')
  expect(guess('<?xml version="1.0"?><a/>')).toBe('application/xml')
  expect(guess('data: {"a":1}\n\n')).toBe('text/event-stream')
  expect(guess('name=x&phone=1')).toBe('application/x-www-form-urlencoded')
  expect(guess('姓名：张三')).toBeUndefined()
  expect(guess('{broken')).toBeUndefined()
})

test('a size is counted in bytes', () => {
  expect(bytes('办事')).toBe(6)
})

test('a body is shown as it is laid out, and what cannot be seen is', () => {
  expect(legible('a\r\n\tb\u202ec\u0007')).toBe('a\n\tb\\u{202e}c\\u{7}')
})

test('every kind that redaction knows has words, and every type is one that it reads', () => {
  const kinds = [...beside('gateway/redact/src/kind.rs').matchAll(/Self::\w+ => "(\w+)"/g)].map((match) => match[1])
  expect(kinds.length).toBeGreaterThan(30)
  expect(codes('dataKind').sort()).toEqual([...kinds].sort())
  expect(codes('bodyType').sort()).toEqual(TYPES.map(({ name }) => name).sort())
})
