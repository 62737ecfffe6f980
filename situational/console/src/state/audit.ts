import type { AuditState } from '../api/types'

/** The words with which the log says that nothing is wrong; any other word is shown as an alarm. */
const SOUND = new Set(['ok', 'running'])

export function auditSound(audit: AuditState): boolean {
  return SOUND.has(audit.health.toLowerCase())
}
