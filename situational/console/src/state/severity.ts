import type { Alert, Severity } from '../api/types'

const WEIGHT: Record<Severity, number> = { critical: 3, high: 2, medium: 1, low: 0 }

export function weight(severity: Severity): number {
  return WEIGHT[severity] ?? -1
}

/** The worst first, and of those the newest: what a person should look at next is on top. */
export function queue(alerts: readonly Alert[]): Alert[] {
  return [...alerts].sort((a, b) => weight(b.severity) - weight(a.severity) || b.last_ms - a.last_ms)
}
