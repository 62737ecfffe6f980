import type { EventSummary } from '../api/types'
import { visible } from '../format'
import { code } from '../i18n'

/** What an event was about in one line: the request, or for events without one what was done. */
export function asked(event: EventSummary): string {
  if (event.method === '') return visible(code('deed', event.path))
  return visible(`${event.method} ${event.host}${event.path}`)
}
