/** A row of a role as a form: its section, and a text for each column. */
import { unwritable } from './csv'
import type { RoleSection } from './roles'

export interface RoleForm {
  section: string
  /** Three always, so that what is typed outlasts a look at another section. */
  columns: [member: string, role: string, domain: string]
}

export function roleForm(section: string, [member = '', role = '', domain = '']: readonly string[]): RoleForm {
  return { section, columns: [member, role, domain] }
}

/** The cells of the row; a role of callers is meant as one though its prefix was not typed. */
export function roleCells({ section, columns }: RoleForm, known: RoleSection | undefined): string[] {
  const cells = columns.slice(0, known?.arity ?? 2).map((text) => text.trim())
  const role = cells[1] ?? ''
  if (known?.asks[1] === 'sub' && role !== '' && !role.includes(':')) cells[1] = `role:${role}`
  return [section, ...cells]
}

/** Columns that are empty, which no row of a role may have, and those with a character that no row may hold. */
export function roleFaults(cells: readonly string[]): { lacks: number[]; unseen: number[] } {
  const at = cells.slice(1).map((text, i) => ({ text, i }))
  return {
    lacks: at.filter(({ text }) => text === '').map(({ i }) => i),
    unseen: at.filter(({ text }) => unwritable(text)).map(({ i }) => i),
  }
}

/** Names to choose from for each column of a section: who is in rows already, and whom the rules name. */
export function roleNames(
  rows: readonly (readonly string[])[],
  { asks }: RoleSection,
  ofRules: Record<string, string[]>,
): string[][] {
  const column = (i: number): string[] => rows.map((fields) => fields[i] ?? '')
  const rules = asks.map((field) => (field === undefined ? [] : (ofRules[field] ?? [])))
  const roles = [...column(1), ...(rules[1] ?? []).filter((name) => asks[1] !== 'sub' || name.startsWith('role:'))]
  return [[...column(0), ...column(1), ...(rules[0] ?? [])], roles, [...column(2), ...(rules[2] ?? [])]].map((names) =>
    [...new Set(names)].filter((name) => name !== '').sort((a, b) => a.localeCompare(b)),
  )
}
