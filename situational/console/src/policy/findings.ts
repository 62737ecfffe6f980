import type { Finding } from '../api/policy'

/** Findings by kind, in the order in which the kinds come first. */
export function byCode(findings: readonly Finding[]): { kind: string; found: Finding[] }[] {
  const kinds = new Map<string, Finding[]>()
  for (const finding of findings) {
    const same = kinds.get(finding.code)
    if (same === undefined) kinds.set(finding.code, [finding])
    else same.push(finding)
  }
  return [...kinds].map(([kind, found]) => ({ kind, found }))
}
