/** Two people's changes of one text: those that lie apart are both made, those that meet are left to a person. */
import type { NamedText } from '../api/policy'
import { hunks, type FileChange, type Hunk, type LineChange } from './compare'

export interface Merged {
  text: string
  /** Lines of `mine` that did not go in, since `theirs` changed the same place. */
  left: LineChange[]
}

/** `theirs` with what `mine` changed of `base`. */
export function merged(base: string, mine: string, theirs: string): Merged {
  if (mine === base || mine === theirs) return { text: theirs, left: [] }
  if (theirs === base) return { text: mine, left: [] }
  const lines = base.split('\n')
  const there = hunks(lines, theirs.split('\n'))
  const edits = there.map((hunk) => ({ ...hunk, added: [...hunk.added] }))
  const left: LineChange[] = []
  for (const hunk of hunks(lines, mine.split('\n'))) {
    const met = edits.find((other) => meet(hunk, other))
    if (met === undefined) edits.push({ ...hunk, added: [...hunk.added] })
    else if (inserts(hunk) && inserts(met)) {
      met.added.push(...hunk.added.filter((line) => !met.added.includes(line)))
    } else if (!alike(hunk, met)) left.push(...told(hunk))
  }
  // At one place, what is put in goes before what is replaced.
  edits.sort((a, b) => a.at - b.at || a.removed.length - b.removed.length)
  const out: string[] = []
  let at = 0
  for (const edit of edits) {
    out.push(...lines.slice(at, edit.at), ...edit.added)
    at = edit.at + edit.removed.length
  }
  return { text: [...out, ...lines.slice(at)].join('\n'), left }
}

const inserts = ({ removed }: Hunk): boolean => removed.length === 0
const same = (a: readonly string[], b: readonly string[]): boolean => a.join('\n') === b.join('\n')
const alike = (a: Hunk, b: Hunk): boolean => a.at === b.at && same(a.removed, b.removed) && same(a.added, b.added)

function meet(a: Hunk, b: Hunk): boolean {
  if (inserts(a) && inserts(b)) return a.at === b.at
  const [endA, endB] = [a.at + a.removed.length, b.at + b.removed.length]
  return a.at < endB && b.at < endA
}

function told({ at, to, removed, added }: Hunk): LineChange[] {
  return [
    ...removed.map((text, i): LineChange => ({ kind: 'removed', line: at + i + 1, text })),
    ...added.map((text, i): LineChange => ({ kind: 'added', line: to + i + 1, text })),
  ]
}

/** The same over sets of files: a file that only one side knows is that side's matter. */
export function mergedFiles(
  base: readonly NamedText[],
  mine: readonly NamedText[],
  theirs: readonly NamedText[],
): { files: NamedText[]; left: FileChange[] } {
  const textIn = (files: readonly NamedText[], name: string): string | undefined =>
    files.find((one) => one.name === name)?.text
  const left: FileChange[] = []
  const files = [...new Set([...theirs, ...mine].map(({ name }) => name))].flatMap((name) => {
    const [was, own, other] = [textIn(base, name), textIn(mine, name), textIn(theirs, name)]
    if (own === other) return own === undefined ? [] : [{ name, text: own }]
    if (own === was) return other === undefined ? [] : [{ name, text: other }]
    if (other === was) return own === undefined ? [] : [{ name, text: own }]
    const { text, left: lines } = merged(was ?? '', own ?? '', other ?? '')
    left.push(...lines.map((line) => ({ file: name, ...line })))
    return [{ name, text }]
  })
  return { files, left }
}
