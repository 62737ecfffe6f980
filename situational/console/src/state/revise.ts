/** Takes the content of a change back into the draft, on top of what is live now. */
import { api } from '../api/endpoints'
import type { ChangeDetail } from '../api/policy'
import { rebased } from '../policy/content'
import { begin, leftOut } from './draft'

export async function takeBack(change: ChangeDetail): Promise<void> {
  const live = await api.sources()
  const { content, left } = rebased(change.before ?? live, change, live)
  begin(live, content, {
    id: change.id,
    reason: change.reason,
    approvals: change.approvals.map(({ who }) => who),
  })
  leftOut.value = left
}
