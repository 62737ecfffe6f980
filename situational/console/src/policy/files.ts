/** Rule files as texts: rows with their lines, and a text with one row more, less or otherwise. */
import type { NamedText } from '../api/policy'
import { parseRow } from './csv'

export interface Row {
  /** Counted from 1. */
  line: number
  /** The fields behind the section's name. */
  fields: string[]
  /** The line as it is written. */
  raw: string
}

/** The rows that allow or deny; lines that are no such row are left out. */
export function rulesOf(text: string): Row[] {
  return rowsOf(text, 'p')
}

/** The rows of a section: `p`, `g`, `g2`. */
export function rowsOf(text: string, section: string): Row[] {
  return text.split('\n').flatMap((raw, i) => {
    if (!raw.trimStart().startsWith(section)) return []
    const cells = parseRow(raw)
    return cells?.[0] === section ? [{ line: i + 1, fields: cells.slice(1), raw: raw.replace(/\r$/, '') }] : []
  })
}

/** The text with another row on a line. */
export function replaced(text: string, line: number, row: string): string {
  const lines = text.split('\n')
  const before = lines[line - 1]
  if (before === undefined) return text
  lines[line - 1] = before.endsWith('\r') ? `${row}\r` : row
  return lines.join('\n')
}

/** The text with a row more, behind a line; 0 puts it first. */
export function inserted(text: string, after: number, row: string): string {
  if (text === '') return `${row}\n`
  const lines = text.split('\n')
  const eol = lines[0]?.endsWith('\r') ? '\r' : ''
  // The last line may lack its end: the row must not be glued to it.
  if (after >= lines.length && !text.endsWith('\n')) return `${text}${eol}\n${row}${eol}\n`
  lines.splice(Math.min(after, lines.length), 0, `${row}${eol}`)
  return lines.join('\n')
}

/** The text without a line. */
export function without(text: string, line: number): string {
  return text
    .split('\n')
    .filter((_, i) => i + 1 !== line)
    .join('\n')
}

export interface LineChange {
  kind: 'added' | 'removed'
  /** Line in the text that has it. */
  line: number
  text: string
}

export interface FileChange extends LineChange {
  file: string
}

/** What differs between two sets of files, line by line. */
export function fileChanges(before: readonly NamedText[], after: readonly NamedText[]): FileChange[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))]
  const textOf = (files: readonly NamedText[], name: string): string =>
    files.find((one) => one.name === name)?.text ?? ''
  return names.flatMap((file) => {
    const [was, is] = [textOf(before, file), textOf(after, file)]
    return was === is ? [] : lineChanges(was, is).map((change) => ({ file, ...change }))
  })
}

/** Lines compared one by one beyond this are told as removed and added whole. Chosen for the square. */
const COMPARED = 1500

/** What differs line by line: what is common at both ends is passed over, the middle is aligned. */
export function lineChanges(before: string, after: string): LineChange[] {
  const a = before.split('\n')
  const b = after.split('\n')
  let head = 0
  while (head < a.length && head < b.length && a[head] === b[head]) head++
  let tail = 0
  while (tail < a.length - head && tail < b.length - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++
  const left = a.slice(head, a.length - tail)
  const right = b.slice(head, b.length - tail)
  const removed = (i: number): LineChange => ({ kind: 'removed', line: head + i + 1, text: left[i] ?? '' })
  const added = (j: number): LineChange => ({ kind: 'added', line: head + j + 1, text: right[j] ?? '' })
  if (left.length > COMPARED || right.length > COMPARED) {
    return [...left.map((_, i) => removed(i)), ...right.map((_, j) => added(j))]
  }
  const common = longest(left, right)
  const found: LineChange[] = []
  let i = 0
  let j = 0
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      i++
      j++
    } else if (i < left.length && (j >= right.length || (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      found.push(removed(i++))
    } else {
      found.push(added(j++))
    }
  }
  return found
}

/** The length of the longest common run from each pair of places on. */
function longest(left: string[], right: string[]): Uint16Array[] {
  const table = Array.from({ length: left.length + 1 }, () => new Uint16Array(right.length + 1))
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      const row = table[i] as Uint16Array
      const below = table[i + 1] as Uint16Array
      row[j] = left[i] === right[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0)
    }
  }
  return table
}
