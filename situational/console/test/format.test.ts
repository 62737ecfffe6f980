import { expect, test } from 'vitest'
import {
  count,
  dateTime,
  exactTime,
  micros,
  offset,
  percent,
  rate,
  relative,
  rowTime,
  span,
  visible,
} from '../src/format'

const AT = new Date(2026, 10, 22, 3, 4, 5, 67).getTime()

test('a time is written the same way in both languages', () => {
  expect(dateTime(AT)).toBe('2026-11-22 03:04:05')
  expect(rowTime(AT)).toBe('11-22 03:04:05')
  expect(exactTime(AT)).toBe(`2026-11-22 03:04:05.067 ${offset(new Date(AT))}`)
})

test('a time that is none is a dash', () => {
  expect(dateTime(Number.NaN)).toBe('–')
  expect(exactTime(Number.POSITIVE_INFINITY)).toBe('–')
})

test('an offset has a sign and two digits each', () => {
  const at = (minutes: number): Date => Object.assign(new Date(AT), { getTimezoneOffset: () => minutes })
  expect(offset(at(-480))).toBe('UTC+08:00')
  expect(offset(at(210))).toBe('UTC-03:30')
  expect(offset(at(0))).toBe('UTC+00:00')
})

test('what is past and what is to come are told apart', () => {
  expect(relative(AT - 180_000, AT, 'zh-CN')).toBe('3分钟前')
  expect(relative(AT + 7_200_000, AT, 'en-US')).toBe('in 2 hr.')
})

test('a span uses the largest unit that still says something', () => {
  expect(span(59_000, 'en-US')).toBe('59 sec')
  expect(span(3 * 86_400_000, 'en-US')).toBe('3 days')
  expect(span(36 * 3_600_000, 'en-US')).toBe('36 hr')
})

test('numbers are grouped, and rates keep a decimal only while it matters', () => {
  expect(count(4182000, 'zh-CN')).toBe('4,182,000')
  expect(rate(0.26, 'en-US')).toBe('0.3')
  expect(rate(123.4, 'en-US')).toBe('123')
})

test('a share of nothing is a dash and not a division by zero', () => {
  expect(percent(0, 0, 'en-US')).toBe('–')
  expect(percent(1, 8, 'en-US')).toBe('12.5%')
  expect(percent(3, 8, 'en-US')).toBe('37.5%')
  expect(percent(1, 4000, 'en-US')).toBe('0.03%')
  expect(percent(0, 4000, 'en-US')).toBe('0%')
})

test('microseconds grow into milliseconds and seconds', () => {
  expect([micros(999), micros(1500), micros(250_000), micros(2_000_000)]).toEqual([
    '999 µs',
    '1.5 ms',
    '250 ms',
    '2.0 s',
  ])
})

test('a path cannot hide or turn round what it says', () => {
  expect(visible('/files/\u202egpj.exe')).toBe('/files/\\u{202e}gpj.exe')
  expect(visible('/a\u0000b\nc\u200b\u2066')).toBe('/a\\u{0}b\\u{a}c\\u{200b}\\u{2066}')
  expect(visible('/办事/户籍迁移?q=é')).toBe('/办事/户籍迁移?q=é')
})
