/** What may be done about a change now, and if not, why: the gateway decides, this only spares a refusal. */
import type { Change, Changes } from '../api/policy'
import type { Key } from '../i18n'

export const ACTS = ['approve', 'reject', 'withdraw', 'shadow', 'canary', 'live', 'rollback'] as const
export type Act = (typeof ACTS)[number]

export interface Because {
  key: Key
  fill?: Record<string, string | number>
}

type State = Pick<Changes, 'live' | 'candidate'>

/** Why something cannot be done about a change by this person; undefined when it can. */
export function becauseOf(act: Act, change: Change, state: State, person: string): Because | undefined {
  switch (act) {
    case 'approve':
      return approving(change, person)
    case 'reject':
      if (!waits(change)) return { key: 'change.because.decided' }
      return change.author === person ? { key: 'change.because.ownReject' } : undefined
    case 'withdraw':
      if (!waits(change) && change.stage !== 'approved') return { key: 'change.because.decided' }
      return change.author === person ? undefined : { key: 'change.because.notOwn', fill: { who: change.author } }
    case 'rollback':
      return rollingBack(change)
    case 'shadow':
    case 'canary':
    case 'live':
      return advancing(act, change, state)
  }
}

const waits = (change: Change): boolean => change.stage === 'draft' || change.stage === 'review'

/** An emergency change is in force before anybody agreed, and stays so only if they do. */
const emergencyInForce = (change: Change): boolean => change.kind === 'emergency' && change.stage === 'live'

export function lacking(change: Change): number {
  return Math.max(0, change.required - change.approvals.length)
}

function approving(change: Change, person: string): Because | undefined {
  if (!waits(change) && !(emergencyInForce(change) && lacking(change) > 0)) return { key: 'change.because.decided' }
  if (change.author === person) return { key: 'change.because.own' }
  if (change.approvals.some(({ who }) => who === person)) return { key: 'change.because.twice' }
  return undefined
}

function rollingBack(change: Change): Because | undefined {
  if (change.stage === 'shadow' || change.stage === 'canary' || emergencyInForce(change)) return undefined
  return { key: change.stage === 'live' ? 'change.because.useLive' : 'change.because.notRunning' }
}

function advancing(to: 'shadow' | 'canary' | 'live', change: Change, state: State): Because | undefined {
  if (waits(change)) {
    const n = lacking(change)
    return n > 0 ? { key: 'change.because.lacks', fill: { n } } : { key: 'change.because.notApproved' }
  }
  const next: Partial<Record<Change['stage'], readonly string[]>> = {
    approved: ['shadow', 'canary', 'live'],
    shadow: ['canary', 'live'],
    canary: ['canary', 'live'],
  }
  const steps = next[change.stage]
  if (steps === undefined) return { key: 'change.because.over' }
  if (!steps.includes(to)) return { key: 'change.because.past' }
  if (lacking(change) > 0) return { key: 'change.because.lacks', fill: { n: lacking(change) } }
  if (change.parent !== state.live.bundle) return { key: 'change.because.stale' }
  const other = state.candidate?.change
  if (other !== undefined && other !== change.id) return { key: 'change.because.busy', fill: { id: other } }
  return undefined
}
