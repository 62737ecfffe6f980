import { ApiError } from '../api/client'
import { language, t } from '../i18n'

export interface Said {
  title: string
  detail: string
  reason: string
}

/** What to tell a person about a failure, in their language as far as the gateway has it. */
export function explain(error: unknown): Said {
  if (!(error instanceof ApiError)) return { title: t('problem.unexpected'), detail: String(error), reason: '' }
  if (error.status === 0) return { title: t('problem.unreachable'), detail: '', reason: '' }
  const { problem } = error
  const chinese = language.value === 'zh-CN'
  const title = (chinese ? problem.title_zh : problem.title) ?? problem.title ?? fallback(error.status)
  const detail = (chinese ? problem.detail_zh : problem.detail) ?? problem.detail ?? ''
  return { title, detail: detail === title ? '' : detail, reason: problem.reason ?? `HTTP ${error.status}` }
}

/** The same in one line, for a passing message. */
export function explained(error: unknown): string {
  const { title, detail } = explain(error)
  return detail === '' ? title : `${title}${t('list.colon')}${detail}`
}

function fallback(status: number): string {
  if (status === 401) return t('problem.signedOut')
  if (status === 403) return t('problem.forbidden')
  if (status === 404) return t('problem.notFound')
  return t('problem.failed', { status })
}
