/** The roles that a model defines, and where a row of one stands: who belongs to what, and in which domain. */
import { rowsOf } from './files'

export interface RoleSection {
  /** As rows begin, `g` or `g2`. */
  name: string
  /** Columns of its rows: member, role, and the domain where it has one. */
  arity: 2 | 3
  /** The field of a request that each column is compared with, where the matcher asks for it plainly. */
  asks: (string | undefined)[]
}

/** The sections that the model's role definition names. */
export function roleSections(model: string): RoleSection[] {
  const lines = model.replace(/\\\r?\n/g, ' ').split('\n')
  const found: RoleSection[] = []
  let section = ''
  let matchers = ''
  for (const raw of lines) {
    const line = raw.replace(/(^|\s)[#;].*$/, '').trim()
    const heading = /^\[(\w+)\]$/.exec(line)
    if (heading !== null) section = heading[1] ?? ''
    else if (section === 'matchers') matchers += ` ${line}`
    else if (section === 'role_definition') {
      const [, name = '', value = ''] = /^(g\d*)\s*=(.*)$/.exec(line) ?? []
      const places = value.split('_').length - 1
      if (name !== '' && (places === 2 || places === 3)) found.push({ name, arity: places, asks: [] })
    }
  }
  for (const one of found) one.asks = asked(matchers, one)
  return found
}

/** What `g(r.sub, p.sub, r.dom)` compares: a role is a name of the same kind as its member. */
function asked(matchers: string, { name, arity }: RoleSection): (string | undefined)[] {
  const call = new RegExp(`\\b${name}\\(([^()]*)\\)`).exec(matchers)
  const fields = (call?.[1] ?? '').split(',').map((text) => /^\s*r\.(\w+)\s*$/.exec(text)?.[1])
  return [fields[0], fields[0], fields[2]].slice(0, arity)
}

/** Line behind which a new row belongs: the last of its role and domain, or else of its domain, or of its section. */
export function placeForRole(text: string, [section = '', ...fields]: readonly string[]): number {
  const rows = rowsOf(text, section)
  const last = (like: (row: readonly string[]) => boolean): number | undefined =>
    rows.findLast((row) => like(row.fields))?.line
  return (
    last((row) => row[1] === fields[1] && row[2] === fields[2]) ??
    last((row) => row[2] === fields[2]) ??
    last(() => true) ??
    text.replace(/\n+$/, '').split('\n').length
  )
}
