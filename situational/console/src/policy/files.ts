/** Rule files as texts: rows with their lines, and a text with one row more, less or otherwise. */
import { parseRow } from './csv'

export interface Row {
  /** `p`, `g`, `g2`. */
  section: string
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
    return cells?.[0] === section ? [{ section, line: i + 1, fields: cells.slice(1), raw: raw.replace(/\r$/, '') }] : []
  })
}

/** The row on a line, of whatever section. */
export function rowAt(text: string, line: number): Row | undefined {
  const raw = text.split('\n')[line - 1]?.replace(/\r$/, '') ?? ''
  const [section = '', ...fields] = raw.trimStart().startsWith('#') ? [] : (parseRow(raw) ?? [])
  return section === '' ? undefined : { section, line, fields, raw }
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
