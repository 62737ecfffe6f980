/** What may be done about an exception, and why not: the gateway's rules, told before they are met. */
import type { Exception, ExceptionState, ExceptionStep } from '../api/inspection'
import type { Key } from '../i18n'

/** The steps that make sense where it stands. */
export function stepsOf(state: ExceptionState): ExceptionStep[] {
  if (state === 'pending') return ['approve', 'reject', 'withdraw']
  return state === 'in-force' ? ['end'] : []
}

/** Why a person may not take a step; `user` is the name they sign in with. */
export function becauseOf(step: ExceptionStep, exception: Exception, user: string): Key | undefined {
  const own = isBy(exception.by, user)
  if ((step === 'approve' || step === 'reject') && own) return 'exception.because.own'
  if (step === 'withdraw' && !own) return 'exception.because.notAuthor'
  if (step === 'approve' && exception.approved_by.some((by) => isBy(by, user))) return 'exception.because.twice'
  return undefined
}

function isBy(by: string, user: string): boolean {
  return by === user || by === `u:${user}`
}

export const STATE_TONE = {
  pending: 'warn',
  'in-force': 'good',
  rejected: 'bad',
  withdrawn: 'muted',
  ended: 'muted',
  expired: 'muted',
} as const satisfies Record<ExceptionState, string>
