/** Takes the content of a change back into the draft, on top of what is live now. */
import { api } from '../api/endpoints'
import type { ChangeDetail, Changes } from '../api/policy'
import { rebased } from '../policy/content'
import { begin, leftOut } from './draft'
import { contentBefore } from './parent'

export async function takeBack(change: ChangeDetail, state: Changes): Promise<void> {
  // Where the rest of what it was written on is gone, the rules came with the change and the rest counts as unchanged.
  const was = (await contentBefore(change, state)) ?? { ...change, rules: change.before ?? [] }
  const live = await api.sources()
  const { content, left } = rebased(was, change, live)
  begin(live, content, {
    id: change.id,
    reason: change.reason,
    approvals: change.approvals.map(({ who }) => who),
  })
  leftOut.value = left
}
