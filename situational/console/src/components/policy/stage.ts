import type { ChangeKind, Stage } from '../../api/policy'
import type { GlyphName } from '../Glyph.vue'

type Tone = Exclude<GlyphName, 'lock' | 'sun' | 'moon'>

export const STAGE_TONE: Record<Stage, Tone> = {
  draft: 'muted',
  review: 'warn',
  approved: 'info',
  shadow: 'info',
  canary: 'info',
  live: 'good',
  rejected: 'bad',
  withdrawn: 'muted',
  'rolled-back': 'bad',
  superseded: 'muted',
  expired: 'muted',
}

export const KIND_TONE: Record<ChangeKind, Tone> = {
  founding: 'muted',
  ordinary: 'muted',
  emergency: 'critical',
  rollback: 'warn',
}

/** A change's number as messages and records write it. */
export function changeName(id: number): string {
  return `c-${id}`
}

/** The beginning of a content address: enough to tell two apart, and to find the whole. */
export function brief(bundle: string): string {
  return bundle.slice(0, 12)
}
