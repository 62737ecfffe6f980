import type { ProblemDocument } from './types'

/** A call that did not do what was asked: the gateway said no, or could not be reached. */
export class ApiError extends Error {
  /** The HTTP status; 0 when no answer came. */
  readonly status: number
  readonly problem: ProblemDocument
  readonly body: unknown

  constructor(status: number, body: unknown) {
    const problem = asProblem(body)
    super(problem.detail ?? problem.title ?? `HTTP ${status}`)
    this.status = status
    this.problem = problem
    this.body = body
  }
}

export type Method = 'GET' | 'POST' | 'DELETE'

let csrf = ''
let onSignedOut: () => void = () => undefined

/** Sets what state-changing calls carry to show that this page, and not another site, made them. */
export function useCsrf(token: string): void {
  csrf = token
}

/** Names what to do when the gateway no longer knows the session. */
export function whenSignedOut(act: () => void): void {
  onSignedOut = act
}

/** How long a call may take before the page says that the gateway does not answer. Chosen. */
const PATIENCE_MS = 15_000

export async function call<T>(
  method: Method,
  path: string,
  body?: unknown,
  patienceMs: number = PATIENCE_MS,
): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json, application/problem+json' }
  if (method !== 'GET' && csrf !== '') headers['Hangu-Csrf'] = csrf
  if (body !== undefined) headers['Content-Type'] = 'application/json'
  let response: Response
  let text: string
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: AbortSignal.timeout(patienceMs),
    })
    text = await response.text()
  } catch (cause) {
    throw new ApiError(0, { title: String(cause) })
  }
  const answer = parse(text)
  if (response.ok) return answer as T
  if (response.status === 401 && path !== '/admin/session') onSignedOut()
  throw new ApiError(response.status, answer)
}

/** A path with its variable parts and query escaped. */
export function at(
  template: string,
  parts: Record<string, string | number> = {},
  query: Record<string, string | number | undefined> = {},
): string {
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parts[name] ?? '')))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value))
  }
  const tail = search.toString()
  return tail === '' ? path : `${path}?${tail}`
}

function parse(text: string): unknown {
  if (text === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function asProblem(body: unknown): ProblemDocument {
  return typeof body === 'object' && body !== null ? (body as ProblemDocument) : {}
}
