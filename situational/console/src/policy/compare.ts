/** What differs between texts, line by line. */
import type { NamedText } from '../api/policy'

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

/** A run of lines that were taken out, and what stands there instead. */
export interface Hunk {
  /** Lines before it, in the text as it was and as it is. */
  at: number
  to: number
  removed: string[]
  added: string[]
}

export function lineChanges(before: string, after: string): LineChange[] {
  return hunks(before.split('\n'), after.split('\n')).flatMap(({ at, to, removed, added }) => [
    ...removed.map((text, i): LineChange => ({ kind: 'removed', line: at + i + 1, text })),
    ...added.map((text, i): LineChange => ({ kind: 'added', line: to + i + 1, text })),
  ])
}

/** Lines compared one by one beyond this are told as removed and added whole. Chosen for the square. */
const COMPARED = 1500

/** What differs line by line: what is common at both ends is passed over, the middle is aligned. */
export function hunks(before: readonly string[], after: readonly string[]): Hunk[] {
  let head = 0
  while (head < before.length && head < after.length && before[head] === after[head]) head++
  let tail = 0
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  )
    tail++
  const left = before.slice(head, before.length - tail)
  const right = after.slice(head, after.length - tail)
  if (left.length === 0 && right.length === 0) return []
  if (left.length > COMPARED || right.length > COMPARED) return [{ at: head, to: head, removed: left, added: right }]
  const common = longest(left, right)
  const found: Hunk[] = []
  let i = 0
  let j = 0
  let open: Hunk | undefined
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      i++
      j++
      open = undefined
      continue
    }
    if (open === undefined) found.push((open = { at: head + i, to: head + j, removed: [], added: [] }))
    if (i < left.length && (j >= right.length || (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      open.removed.push(left[i++] ?? '')
    } else {
      open.added.push(right[j++] ?? '')
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
