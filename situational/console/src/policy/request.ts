/** Requests as the tools take and show them. */
import type { PolicyRequest, Sources } from '../api/policy'

/** A request as it is typed: text by name; an attribute is `ctx.aal`. Empty is not known. */
export type TypedRequest = Record<string, string>

/** What of a request is a table of attributes, with the attributes that the model and the rules ask about. */
export function attributesOf(sources: Pick<Sources, 'model' | 'rules'>): Map<string, string[]> {
  const found = new Map<string, Set<string>>()
  for (const { text } of [sources.model, ...sources.rules]) {
    for (const [, field, name] of text.matchAll(/\br\.(\w+)\.(\w+)/g)) {
      if (field === undefined || name === undefined) continue
      found.set(field, (found.get(field) ?? new Set()).add(name))
    }
  }
  return new Map([...found].map(([field, names]) => [field, ordered(names)]))
}

/** The attributes of the shipped model in the order in which people think of them, then the others. */
const FIRST = ['aal', 'cert', 'risk', 'dev', 'min', 'dow']

function ordered(names: Set<string>): string[] {
  const rank = (name: string): number => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length)
  return [...names].sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))
}

/** The request that is sent: what is empty is left out, and an attribute is a number or a truth value. */
export function requestOf(typed: TypedRequest): PolicyRequest {
  const request: PolicyRequest = {}
  for (const [name, text] of Object.entries(typed)) {
    const value = text.trim()
    if (value === '') continue
    const dot = name.indexOf('.')
    if (dot < 0) {
      request[name] = value
      continue
    }
    const field = name.slice(0, dot)
    const table = (request[field] ?? {}) as Record<string, unknown>
    table[name.slice(dot + 1)] = attribute(value)
    request[field] = table
  }
  return request
}

function attribute(text: string): unknown {
  if (/^-?\d{1,15}$/.test(text)) return Number(text)
  if (text === 'true' || text === 'false') return text === 'true'
  return text
}

/** The same back, for a form that is filled from a sample. */
export function typedOf(request: PolicyRequest): TypedRequest {
  const typed: TypedRequest = {}
  for (const [name, value] of Object.entries(request)) {
    if (typeof value === 'object' && value !== null) {
      for (const [key, one] of Object.entries(value)) if (one !== null) typed[`${name}.${key}`] = String(one)
    } else if (value !== null && value !== undefined) typed[name] = String(value)
  }
  return typed
}

/** A request in parts for reading: who, what, and the rest by name. */
export function told(request: PolicyRequest): { who: string; what: string; rest: [string, string][] } {
  const typed = typedOf(request)
  const { sub = '', act = '', host = '', path = '', ...rest } = typed
  return { who: sub, what: [act, host + path].filter((part) => part !== '').join(' '), rest: Object.entries(rest) }
}

/** A line of a file of tests. */
export function caseLine(request: PolicyRequest, allowed: boolean, name: string): string {
  return JSON.stringify({ r: request, exp: allowed, ...(name === '' ? {} : { name }) })
}

/**
 * The columns that a clause of the matcher compares, as in `dom` for `(p.dom == "*" || r.dom == p.dom)`;
 * empty for a clause that is a condition of its own.
 */
export function columnsIn(clause: string): string[] {
  return [...new Set([...clause.matchAll(/\bp\.(\w+)/g)].map((match) => match[1] ?? ''))]
}
