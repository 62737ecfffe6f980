/** Which findings are about the rows that a draft adds or changes. */
import type { Finding } from '../api/policy'
import type { FileChange } from './compare'

/** Errors are told wherever they are, warnings where they concern a row of the draft, notes where they are about it. */
export function fresh(
  findings: readonly Finding[],
  pending: readonly FileChange[],
): { here: Finding[]; elsewhere: number } {
  const rows = new Set(pending.filter(({ kind }) => kind === 'added').map(({ file, line }) => `${file}:${line}`))
  const here = findings.filter(
    ({ severity, file, line, others }) =>
      severity === 'error' ||
      rows.has(`${file}:${line}`) ||
      (severity === 'warning' && others.some((other) => rows.has(other))),
  )
  return { here, elsewhere: findings.length - here.length }
}
