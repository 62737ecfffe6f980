/** The lines that a tool prints: answers, one summary at the end, and lines that could not be answered. */

export interface Sorted {
  plain: unknown[]
  summary: unknown
  errors: string[]
}

/** `test` ends with its summary as it is, `replay` with `{"summary": …}`. */
export function sorted(lines: readonly unknown[]): Sorted {
  const found: Sorted = { plain: [], summary: undefined, errors: [] }
  for (const line of lines) {
    if (typeof line !== 'object' || line === null) continue
    if ('error' in line) found.errors.push(String(line.error))
    else if ('summary' in line) found.summary = line.summary
    else if ('coverage' in line) found.summary = line
    else found.plain.push(line)
  }
  return found
}
