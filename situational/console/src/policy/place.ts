/** Where a new rule stands in its file: beside its like. */
import { rulesOf } from './files'

/** How much a column says about which rules belong together. Chosen. */
const WEIGHT: Record<string, number> = { eft: 8, host: 4, dom: 3, sub: 2, src: 1 }

/** Line behind which a rule belongs; 0 is the beginning. */
export function placeFor(text: string, columns: readonly string[], fields: readonly string[]): number {
  const rows = rulesOf(text)
  let best = { weight: 0, line: 0 }
  for (const row of rows) {
    const weight = columns.reduce(
      (sum, column, i) => (row.fields[i] === fields[i] ? sum + (WEIGHT[column] ?? 0) : sum),
      0,
    )
    // Of rows that are as like, the last: the rule is added to the end of its group.
    if (weight > 0 && weight >= best.weight) best = { weight, line: row.line }
  }
  if (best.weight > 0) return best.line
  return rows.at(-1)?.line ?? text.replace(/\n+$/, '').split('\n').length
}
