/** What shows that a statement does not hold, read out of the gateway's sentence so that it can be shown as it is. */
import type { PolicyRequest } from '../api/policy'

export type Shown =
  | { kind: 'request'; request: PolicyRequest; portal: string; rules: string[]; obligations: string }
  | { kind: 'roles'; who: string; roles: string[]; department: string; rules: string[] }
  | { kind: 'undecided'; rule: string; clause: string }

/** Undefined for any other sentence: it is then shown as it came. */
export function witnessOf(message: string): Shown | undefined {
  const unsure = /^the statement cannot be decided: (?:too many cases(?: at (\S+))?;|(\S+) asks `(.*)`, which)/.exec(
    message,
  )
  if (unsure !== null) return { kind: 'undecided', rule: unsure[1] ?? unsure[2] ?? '', clause: unsure[3] ?? '' }
  const refuted = /^the statement does not hold: (\{.*\})(?: at portal (\S+))? (is allowed by|through) (.*)$/.exec(
    message,
  )
  const shown = refuted === null ? undefined : object(refuted[1] ?? '')
  if (refuted === null || shown === undefined) return undefined
  const [by = '', obligations = ''] = (refuted[4] ?? '').split(' with ')
  const rules = by.split(', ').filter((rule) => rule !== '')
  if (refuted[3] === 'is allowed by') {
    return { kind: 'request', request: shown, portal: refuted[2] ?? '', rules, obligations }
  }
  const roles = Array.isArray(shown.roles) ? shown.roles.map(String) : []
  return { kind: 'roles', who: String(shown.sub ?? ''), roles, department: String(shown.dom ?? ''), rules }
}

function object(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
