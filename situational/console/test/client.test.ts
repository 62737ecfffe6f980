import { afterEach, expect, test, vi } from 'vitest'
import { ApiError, at, call, useCsrf, whenSignedOut } from '../src/api/client'
import { explain, explained } from '../src/components/problem'
import { language } from '../src/i18n'

afterEach(() => {
  vi.unstubAllGlobals()
  useCsrf('')
  whenSignedOut(() => undefined)
  language.value = 'zh-CN'
})

function answers(status: number, body: unknown): ReturnType<typeof vi.fn> {
  const fetch = vi.fn<(path: string, init: RequestInit) => Promise<unknown>>(async () => ({
    ok: status < 400,
    status,
    text: async () => (body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)),
  }))
  vi.stubGlobal('fetch', fetch)
  return fetch
}
const headers = (fetch: ReturnType<typeof vi.fn>): Record<string, string> =>
  (fetch.mock.calls[0]?.[1] as RequestInit).headers as Record<string, string>

test('only calls that change something carry the token', async () => {
  useCsrf('secret')
  const get = answers(200, {})
  await call('GET', '/admin/x')
  expect(headers(get)).not.toHaveProperty('Hangu-Csrf')
  const post = answers(200, {})
  await call('POST', '/admin/x', {})
  expect(headers(post)['Hangu-Csrf']).toBe('secret')
  const remove = answers(204, undefined)
  await expect(call('DELETE', '/admin/x')).resolves.toBeUndefined()
  expect(headers(remove)['Hangu-Csrf']).toBe('secret')
})

test('a session that is gone is noticed on any call but the sign-in itself', async () => {
  const gone = vi.fn()
  whenSignedOut(gone)
  answers(401, { title: 'no' })
  await expect(call('POST', '/admin/session', {})).rejects.toBeInstanceOf(ApiError)
  expect(gone).not.toHaveBeenCalled()
  await expect(call('GET', '/admin/audit/events')).rejects.toBeInstanceOf(ApiError)
  expect(gone).toHaveBeenCalledOnce()
})

test('a gateway that does not answer is told apart from one that says no', async () => {
  vi.stubGlobal('fetch', async () => {
    throw new TypeError('network')
  })
  const error = await call('GET', '/admin/x').catch((cause: unknown) => cause)
  expect((error as ApiError).status).toBe(0)
  expect(explain(error).title).toContain('没有应答')
})

test('a refusal is explained in the language of the person', async () => {
  answers(403, { title: 'no', detail: 'ask', title_zh: '不行', detail_zh: '请联系', reason: 'role-may-not' })
  const error = await call('GET', '/admin/x').catch((cause: unknown) => cause)
  expect(explain(error)).toEqual({ title: '不行', detail: '请联系', reason: 'role-may-not' })
  language.value = 'en-US'
  expect(explained(error)).toBe('no: ask')
})

test('an error page that is not JSON still makes a sentence', async () => {
  answers(502, '<html>bad gateway</html>')
  const error = await call('GET', '/admin/x').catch((cause: unknown) => cause)
  expect(explain(error).title).toContain('502')
})

test('what a path is filled with cannot leave its segment', () => {
  expect(at('/admin/situational/callers/{c}/sessions', { c: '../x?y#z' })).toBe(
    '/admin/situational/callers/..%2Fx%3Fy%23z/sessions',
  )
  expect(at('/a', {}, { q: 'a&b', empty: '', none: undefined, n: 0 })).toBe('/a?q=a%26b&n=0')
})
