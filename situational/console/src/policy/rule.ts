/** A rule as a form, and as the fields of its row. */
import { unwritable } from './csv'
import { noConditions, parseCondition, printCondition, type Conditions } from './condition'
import { noObligations, parseObligations, printObligations, type Obligations } from './obligations'

export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

export interface Subject {
  kind: 'anyone' | 'role' | 'caller'
  /** As rules write it, as in `role:clerk` or `u:li`. */
  name: string
}

export interface Action {
  kind: 'any' | 'methods' | 'pattern'
  methods: string[]
  pattern: string
}

export interface RuleForm {
  subject: Subject
  /** Department, zone and host: empty stands for any. */
  department: string
  zone: string
  host: string
  path: string
  action: Action
  conditions: Conditions
  effect: 'allow' | 'deny'
  obligations: Obligations
  /** Columns of this policy that the form has no place for. */
  others: Record<string, string>
}

/** The columns that the form knows, by the names of the shipped model. */
const KNOWN = ['sub', 'dom', 'src', 'host', 'path', 'act', 'cond', 'eft', 'obl'] as const
type Known = (typeof KNOWN)[number]

const isKnown = (column: string): column is Known => (KNOWN as readonly string[]).includes(column)

export function blankRule(columns: readonly string[]): RuleForm {
  return {
    subject: { kind: 'role', name: '' },
    department: '',
    zone: '',
    host: '',
    path: '',
    action: { kind: 'methods', methods: ['GET'], pattern: '' },
    conditions: noConditions(),
    effect: 'allow',
    obligations: noObligations(),
    others: Object.fromEntries(columns.filter((column) => !isKnown(column)).map((column) => [column, ''])),
  }
}

/** The form of a row; a column that is not there is as if it said nothing. */
export function formOf(columns: readonly string[], fields: readonly string[]): RuleForm {
  const form = blankRule(columns)
  columns.forEach((column, i) => {
    const text = fields[i] ?? ''
    if (isKnown(column)) READ[column](form, text)
    else form.others[column] = text
  })
  return form
}

/**
 * The fields of a row. Of a row that was there before, a column whose meaning stays keeps its text,
 * so that opening a rule changes nothing.
 */
export function fieldsOf(form: RuleForm, columns: readonly string[], before?: readonly string[]): string[] {
  const first = before === undefined ? undefined : formOf(columns, before)
  return columns.map((column, i) => {
    const text = fieldOf(form, column)
    if (first === undefined) return text
    // An obligation that goes with an allow goes away with it, though its form is as it was.
    return fieldOf(first, column) === text ? (before?.[i] ?? '') : text
  })
}

function fieldOf(form: RuleForm, column: string): string {
  return isKnown(column) ? PRINT[column](form) : (form.others[column] ?? '').trim()
}

const any = (text: string): string => (text === '*' ? '' : text)

const READ: Record<Known, (form: RuleForm, text: string) => void> = {
  sub: (form, text) => {
    const kind = text === '*' ? 'anyone' : text.startsWith('role:') ? 'role' : 'caller'
    form.subject = { kind, name: any(text) }
  },
  dom: (form, text) => (form.department = any(text)),
  src: (form, text) => (form.zone = any(text)),
  host: (form, text) => (form.host = any(text)),
  path: (form, text) => (form.path = text),
  act: (form, text) => (form.action = parseAction(text)),
  cond: (form, text) => (form.conditions = parseCondition(text)),
  eft: (form, text) => (form.effect = text === 'deny' ? 'deny' : 'allow'),
  obl: (form, text) => (form.obligations = parseObligations(text)),
}

const PRINT: Record<Known, (form: RuleForm) => string> = {
  sub: ({ subject }) => (subject.kind === 'anyone' ? '*' : named(subject)),
  dom: (form) => form.department.trim() || '*',
  src: (form) => form.zone.trim() || '*',
  host: (form) => form.host.trim() || '*',
  path: (form) => form.path.trim(),
  act: (form) => printAction(form.action),
  cond: (form) => printCondition(form.conditions),
  eft: (form) => form.effect,
  obl: (form) => printObligations(form.obligations, form.effect),
}

/** A role without its prefix is meant as one; a caller stays as it is typed. */
function named({ kind, name }: Subject): string {
  const text = name.trim()
  return kind === 'role' && text !== '' && !text.includes(':') ? `role:${text}` : text
}

export function parseAction(text: string): Action {
  const found = /^\^(?:([A-Z]+)|\(([A-Z|]+)\))\$$/.exec(text)
  const methods = (found?.[1] ?? found?.[2] ?? '').split('|').filter((one) => one !== '')
  const known = methods.length > 0 && methods.every((one) => (METHODS as readonly string[]).includes(one))
  if (text === '*') return { kind: 'any', methods: [], pattern: '' }
  return known ? { kind: 'methods', methods, pattern: '' } : { kind: 'pattern', methods: [], pattern: text }
}

/** Anchored at both ends: a pattern that is not would also match methods that only contain it. */
export function printAction({ kind, methods, pattern }: Action): string {
  if (kind === 'any') return '*'
  if (kind === 'pattern') return pattern.trim()
  const chosen = METHODS.filter((one) => methods.includes(one))
  return chosen.length === 1 ? `^${chosen[0]}$` : chosen.length === 0 ? '' : `^(${chosen.join('|')})$`
}

/** What settles it where rules disagree, by the model's effect: a deny, the first that matches, or something else. */
export function effectOf(model: string): 'deny' | 'first' | 'other' {
  const effect = /^\s*e\s*=(.*)$/m.exec(model)?.[1] ?? ''
  if (/priority\s*\(/i.test(effect)) return 'first'
  return /!\s*some\s*\(\s*where\s*\(\s*p\.eft\s*==\s*deny/.test(effect) ? 'deny' : 'other'
}

/** What is missing before the row can stand, by the names of the columns. */
export function missing(form: RuleForm, columns: readonly string[]): string[] {
  return columns.filter((column) => column !== 'obl' && isKnown(column) && fieldOf(form, column) === '')
}

/** Columns with a character that a rule file cannot hold. */
export function illegible(form: RuleForm, columns: readonly string[]): string[] {
  return columns.filter((column) => unwritable(fieldOf(form, column)))
}
