/** Files of statements: one a line, continued on lines that begin with a blank; `#` begins a comment. */

export interface Statement {
  /** First and last line, counted from 1. */
  line: number
  end: number
  /** As written, line for line. */
  raw: string
  /** In one line, without comments. */
  text: string
  /** What the comment right above it says; empty where there is none. */
  about: string
}

export function statementsOf(file: string): Statement[] {
  const found: Statement[] = []
  let comment: string[] = []
  const lines = file.split('\n').map((line) => line.replace(/\r$/, ''))
  lines.forEach((raw, i) => {
    const text = withoutComment(raw).trimEnd()
    if (text.trim() === '') {
      const said = /^#[#\s]*(.*?)[-\s]*$/.exec(raw)?.[1]?.replace(/^-+\s*/, '')
      // A blank line and a rule of dashes end what was said before.
      const begins = raw.trim() === '' || raw.includes('---')
      comment = [...(begins ? [] : comment), ...(said === undefined || said === '' ? [] : [said])]
      return
    }
    const last = found.at(-1)
    if (/^\s/.test(text) && last !== undefined) {
      last.text += ` ${text.trim()}`
      last.end = i + 1
      last.raw = lines.slice(last.line - 1, last.end).join('\n')
    } else found.push({ line: i + 1, end: i + 1, raw, text: text.trim(), about: comment.join(' ') })
    comment = []
  })
  return found
}

/** The line up to a `#` that stands behind a blank or at the start, and not inside quotes. */
function withoutComment(line: string): string {
  let quoted = false
  for (let i = 0; i < line.length; i++) {
    if (line[i] === '"') quoted = !quoted
    else if (line[i] === '#' && !quoted && (i === 0 || /\s/.test(line[i - 1] ?? ''))) return line.slice(0, i)
  }
  return line
}

/** What is typed as the lines of one statement: whatever follows the first line continues it. */
export function statementLines(typed: string): string[] {
  return typed
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line, i) => (i === 0 ? line : `  ${line}`))
}

/** The file with other lines in the place of a statement; none takes it away. */
export function withStatement(file: string, { line, end }: Pick<Statement, 'line' | 'end'>, lines: string[]): string {
  const all = file.split('\n')
  const eol = all[line - 1]?.endsWith('\r') ? '\r' : ''
  all.splice(line - 1, end - line + 1, ...lines.map((one) => one + eol))
  return all.join('\n')
}

/** The file with a statement more at its end. */
export function addedStatement(file: string, lines: string[]): string {
  const eol = file.includes('\r\n') ? '\r\n' : '\n'
  const glue = file === '' || file.endsWith('\n') ? '' : eol
  return `${file}${glue}${lines.join(eol)}${eol}`
}

/** Sentences to begin from, one for each shape that the language has; the key names what it says. */
export const PATTERNS = [
  ['needs', 'nothing from internet reaches an intranet portal without a certificate and assurance 3'],
  ['from', 'portal staff is reached only from extranet, intranet'],
  ['never', 'role:suspended never reaches any portal'],
  ['but', 'nobody but role:officer writes to portal staff'],
  ['with', 'portal staff at /api/v1/* is read only with assurance 2 and device 60'],
  ['by', 'portal staff at /api/v1/* is written only by role:officer'],
  ['carries', 'portal exchange always carries redact at least L2 from internet'],
  ['exclude', 'role:citizen and role:officer exclude one another'],
] as const
