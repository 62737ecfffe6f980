import { expect, test } from 'vitest'
import { merged, mergedFiles } from '../src/policy/merge'

const lines = (...all: string[]): string => `${all.join('\n')}\n`
const BASE = lines('a', 'b', 'c', 'd')

test('changes that lie apart are both made', () => {
  expect(merged(BASE, lines('a', 'B', 'c', 'd'), lines('a', 'b', 'c', 'D'))).toEqual({
    text: lines('a', 'B', 'c', 'D'),
    left: [],
  })
  expect(merged(BASE, lines('b', 'c', 'd'), lines('a', 'b', 'c', 'd', 'e')).text).toBe(lines('b', 'c', 'd', 'e'))
})

test('where two change one line, what is live stays and the other is told', () => {
  expect(merged(BASE, lines('a', 'mine', 'c', 'd'), lines('a', 'theirs', 'c', 'd'))).toEqual({
    text: lines('a', 'theirs', 'c', 'd'),
    left: [
      { kind: 'removed', line: 2, text: 'b' },
      { kind: 'added', line: 2, text: 'mine' },
    ],
  })
})

test('what both put in at one place stands once each, and the same change is made once', () => {
  expect(merged(BASE, lines('a', 'b', 'c', 'd', 'x', 'y'), lines('a', 'b', 'c', 'd', 'x', 'z'))).toEqual({
    text: lines('a', 'b', 'c', 'd', 'x', 'z', 'y'),
    left: [],
  })
  expect(merged(BASE, lines('a', 'B', 'c', 'e'), lines('a', 'B', 'c', 'd')).text).toBe(lines('a', 'B', 'c', 'e'))
})

test('a line that one side put into what the other took out is told', () => {
  const { text, left } = merged(BASE, lines('a', 'b', 'new', 'c', 'd'), lines('a', 'd'))
  expect(text).toBe(lines('a', 'd'))
  expect(left).toEqual([{ kind: 'added', line: 3, text: 'new' }])
})

test('what one side alone changed is taken as it is, line ends included', () => {
  expect(merged('a\r\n', 'a\r\nb\r\n', 'a\r\n').text).toBe('a\r\nb\r\n')
  expect(merged('a', 'a', 'b\n').text).toBe('b\n')
})

test('merging any two edits loses no line of what is live and none of mine without telling', () => {
  // Every way to keep, change or drop each of three lines, on both sides.
  const ways = (line: string, side: string) => [[line], [`${line}${side}`], [], [line, `${line}+${side}`]]
  const edits = (side: string) =>
    ways('a', side).flatMap((a) => ways('b', side).flatMap((b) => ways('c', side).map((c) => [...a, ...b, ...c])))
  for (const mine of edits('m'))
    for (const theirs of edits('t')) {
      const { text, left } = merged(lines('a', 'b', 'c'), lines(...mine), lines(...theirs))
      const out = text.split('\n')
      const told = left.filter(({ kind }) => kind === 'added').map((one) => one.text)
      for (const line of theirs) if (line.includes('t')) expect(out, `${mine} | ${theirs}`).toContain(line)
      for (const line of mine) if (line.includes('m')) expect([...out, ...told], `${mine} | ${theirs}`).toContain(line)
    }
})

test('a file that one side added or took away is that side’s matter', () => {
  const file = (name: string, text: string) => ({ name, text })
  const base = [file('r', 'a\n'), file('gone', 'x\n')]
  expect(mergedFiles(base, [file('r', 'a\n'), file('mine', 'm\n'), file('gone', 'x\n')], [file('r', 'b\n')])).toEqual({
    files: [file('r', 'b\n'), file('mine', 'm\n')],
    left: [],
  })
})
