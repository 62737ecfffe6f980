/** What is sent when a change is proposed or moved on. */
import type { Advance, NewChange } from '../api/policy'
import type { Key } from '../i18n'

/** The longest that an emergency change may run by itself. The gateway's own limit may be lower. */
export const EMERGENCY_MS = 24 * 3_600_000

export interface Proposal {
  reason: string
  kind: 'ordinary' | 'emergency'
  /** As a field for a date and a time gives it, in the browser's zone. */
  until: string
}

type Checked<T> = { body: T } | { wrong: Key }

export function proposalOf(
  proposal: Proposal,
  content: Omit<NewChange, 'reason' | 'emergency_until_ms'>,
  nowMs: number,
): Checked<NewChange> {
  const reason = proposal.reason.trim()
  if (reason === '') return { wrong: 'propose.needsReason' }
  const body: NewChange = { reason, ...content }
  if (proposal.kind === 'ordinary') return { body }
  const until = new Date(proposal.until).getTime()
  if (Number.isNaN(until)) return { wrong: 'propose.needsEnd' }
  if (until <= nowMs) return { wrong: 'propose.endPast' }
  if (until - nowMs > EMERGENCY_MS) return { wrong: 'propose.endFar' }
  return { body: { ...body, emergency_until_ms: until } }
}

export interface Step {
  to: Advance['to']
  departments: string
  share: number | null
  reason: string
}

export function advanceOf(step: Step): Checked<Advance> {
  const reason = step.reason.trim()
  if (reason === '') return { wrong: 'propose.needsReason' }
  if (step.to !== 'canary') return { body: { to: step.to, reason } }
  const departments = step.departments.split(/[,;，、；\s]+/).filter((one) => one !== '')
  if (step.share === null) return { wrong: 'advance.needsShare' }
  return {
    body: {
      to: 'canary',
      reason,
      ...(departments.length > 0 ? { departments } : {}),
      share: step.share,
    },
  }
}
