/** Rows of rule files, read and written as the gateway reads them: one a line, RFC 4180 quoting. */

// A row is one line, and the gateway refuses what cannot be seen in it.
const UNWRITABLE = /[\p{Cc}\ufeff]/u

/** Whether a field holds a character that no rule file may. */
export function unwritable(text: string): boolean {
  return UNWRITABLE.test(text.replaceAll('\t', ''))
}

/** The fields of a row; undefined where the gateway would refuse the line. */
export function parseRow(raw: string): string[] | undefined {
  const line = raw.replace(/\r$/, '')
  if (unwritable(line)) return undefined
  const body = line.trimEnd()
  const cells: string[] = []
  let at = 0
  for (;;) {
    while (at < body.length && /\s/.test(body[at] ?? '')) at++
    if (body[at] === '"') {
      const quoted = /^"((?:[^"]|"")*)"/.exec(body.slice(at))
      if (quoted === null) return undefined
      cells.push((quoted[1] ?? '').replaceAll('""', '"'))
      at += quoted[0].length
    } else {
      const comma = body.indexOf(',', at)
      const text = body.slice(at, comma < 0 ? undefined : comma)
      if (text.includes('"') || text !== text.trimEnd()) return undefined
      cells.push(text)
      at += text.length
    }
    if (at >= body.length) return cells
    if (body[at] !== ',') return undefined
    at++
  }
}

/** A row as a line; fields with commas, quotes or blanks at their ends are quoted. */
export function printRow(cells: readonly string[]): string {
  return cells.map(printCell).join(', ').trimEnd()
}

function printCell(text: string): string {
  const plain = !/[,"]/.test(text) && text === text.trim()
  return plain ? text : `"${text.replaceAll('"', '""')}"`
}
