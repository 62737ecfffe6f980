/** Mistakes in the language of the console. */
import type { ConfigMistake } from './api/types'
import { pick, t } from './i18n'

type Told = Pick<ConfigMistake, 'message' | 'message_zh' | 'help' | 'help_zh'>

/** What is wrong and what would be right. */
export function told(mistake: Told): string {
  const message = pick({ zh: mistake.message_zh, en: mistake.message })
  const help = pick({ zh: mistake.help_zh ?? '', en: mistake.help ?? '' })
  return help === '' ? message : `${message}${t('list.then')}${help}`
}
