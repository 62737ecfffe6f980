/** The names that a policy uses, to choose from where one would otherwise have to remember them. */
import type { Sources } from '../api/policy'
import { rowsOf, rulesOf } from './files'

export interface Vocabulary {
  /** Values by column, `*` left out; subjects are in `roles` and `callers`. */
  columns: Record<string, string[]>
  roles: string[]
  callers: string[]
}

/** A list to choose from that is longer than this is not one. Chosen. */
const MOST = 300

export function vocabulary(sources: Pick<Sources, 'rules' | 'columns'>): Vocabulary {
  const columns = new Map(sources.columns.map((column) => [column, new Set<string>()]))
  const members = new Set<string>()
  const groups = new Set<string>()
  for (const { text } of sources.rules) {
    for (const { fields } of rulesOf(text)) {
      sources.columns.forEach((column, i) => {
        const value = fields[i] ?? ''
        if (value !== '' && value !== '*') columns.get(column)?.add(value)
      })
    }
    for (const { fields } of rowsOf(text, 'g')) {
      members.add(fields[0] ?? '')
      groups.add(fields[1] ?? '')
    }
    // Zones and the groups that they join are asked of the same column.
    for (const { fields } of rowsOf(text, 'g2')) for (const zone of fields.slice(0, 2)) columns.get('src')?.add(zone)
  }
  const subjects = [...(columns.get('sub') ?? [])]
  const isRole = (name: string): boolean => groups.has(name) || name.startsWith('role:')
  return {
    columns: Object.fromEntries([...columns].map(([column, values]) => [column, listed([...values])])),
    roles: listed([...groups, ...subjects.filter(isRole)]),
    callers: listed([...members, ...subjects].filter((name) => !isRole(name))),
  }
}

function listed(values: string[]): string[] {
  return [...new Set(values)]
    .filter((value) => value !== '')
    .sort((a, b) => a.localeCompare(b))
    .slice(0, MOST)
}
