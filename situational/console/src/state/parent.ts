/** What was live when a change was written. */
import { api } from '../api/endpoints'
import type { ChangeDetail, Changes } from '../api/policy'
import { asIn, type Content } from '../policy/content'

/** Undefined where only the gateway still has it. A content has one name, so that any change that brought it will do. */
export async function contentBefore(change: ChangeDetail, { live, changes }: Changes): Promise<Content | undefined> {
  if (change.parent === live.bundle) {
    const sources = await api.sources()
    return { ...asIn(sources), model: sources.model }
  }
  const brought = changes.find(({ bundle }) => bundle === change.parent)
  return brought === undefined ? undefined : api.change(brought.id)
}
