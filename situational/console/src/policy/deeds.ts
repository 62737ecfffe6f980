/** What may be done about a change now, and if not, why: the gateway decides, this only spares a refusal. */
import type { Change, Changes, Stage } from '../api/policy'
import type { Key } from '../i18n'

export const ACTS = [
  'approve',
  'reject',
  'revise',
  'withdraw',
  'shadow',
  'canary',
  'live',
  'rollback',
  'review',
] as const
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
      if (change.stage !== 'review' && change.stage !== 'approved') return undecidable(change)
      return change.author === person ? { key: 'change.because.ownReject' } : undefined
    case 'withdraw':
      if (!BEFORE_LIVE.includes(change.stage)) return { key: 'change.because.decided' }
      return change.author === person ? undefined : { key: 'change.because.notOwn', fill: { who: change.author } }
    case 'revise':
      return revising(change, person)
    case 'rollback':
      return rollingBack(change)
    case 'review':
      if (change.review_due_ms === null) return { key: 'change.because.noReview' }
      if (change.stage === 'live') return { key: 'change.because.approveIt' }
      return change.author === person ? { key: 'change.because.own' } : undefined
    case 'shadow':
    case 'canary':
    case 'live':
      return advancing(act, change, state)
  }
}

const BEFORE_LIVE: readonly Stage[] = ['draft', 'review', 'approved', 'shadow', 'canary']

const undecidable = (change: Change): Because => ({
  key: change.stage === 'draft' ? 'change.because.draft' : 'change.because.decided',
})

/** Whether the policy that a change was written on is no longer the one in force, while that still matters. */
export function isStale(change: Change, { live }: Pick<Changes, 'live'>): boolean {
  return BEFORE_LIVE.includes(change.stage) && change.parent !== live.bundle
}

/** An emergency change is in force before anybody agreed, and stays so only if they do. */
const emergencyInForce = (change: Change): boolean => change.kind === 'emergency' && change.stage === 'live'

export function lacking(change: Change): number {
  return Math.max(0, change.required - change.approvals.length)
}

function approving(change: Change, person: string): Because | undefined {
  if (change.stage !== 'review' && !(emergencyInForce(change) && lacking(change) > 0)) return undecidable(change)
  if (change.author === person) return { key: 'change.because.own' }
  if (change.approvals.some(({ who }) => who === person)) return { key: 'change.because.twice' }
  return undefined
}

function revising(change: Change, person: string): Because | undefined {
  if (change.author !== person) return { key: 'change.because.notOwnRevise', fill: { who: change.author } }
  if (change.stage === 'shadow' || change.stage === 'canary') return { key: 'change.because.running' }
  return REVISABLE.includes(change.stage) ? undefined : { key: 'change.because.over' }
}

const REVISABLE: readonly Stage[] = ['draft', 'review', 'approved']

function rollingBack(change: Change): Because | undefined {
  if (change.stage === 'shadow' || change.stage === 'canary' || emergencyInForce(change)) return undefined
  return { key: change.stage === 'live' ? 'change.because.useLive' : 'change.because.notRunning' }
}

function advancing(to: 'shadow' | 'canary' | 'live', change: Change, state: State): Because | undefined {
  if (change.stage === 'draft') return { key: 'change.because.draft' }
  if (change.stage === 'review') {
    const n = lacking(change)
    return n > 0 ? { key: 'change.because.lacks', fill: { n } } : { key: 'change.because.notApproved' }
  }
  if (change.stage !== 'approved' && change.stage !== 'shadow' && change.stage !== 'canary') {
    return { key: 'change.because.over' }
  }
  // A canary may go to others than before; shadow is the same for everybody.
  if (to === 'shadow' && change.stage === 'shadow') return { key: 'change.because.there' }
  if (change.parent !== state.live.bundle) return { key: 'change.because.stale' }
  const other = state.candidate?.change
  if (other !== undefined && other !== change.id) return { key: 'change.because.busy', fill: { id: `c-${other}` } }
  return undefined
}
