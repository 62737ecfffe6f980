import type { Severity } from '../api/types'

/** A risk from 0 to 100 in words. The shipped policy denies from 80 and steps up from 50. */
export function level(risk: number): Severity {
  if (risk >= 80) return 'critical'
  if (risk >= 50) return 'high'
  return risk >= 25 ? 'medium' : 'low'
}
