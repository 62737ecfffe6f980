/** A policy as somebody is changing it, kept while the console is open: the editor writes, the tools may ask. */
import { computed, ref, shallowRef, watch } from 'vue'
import { api } from '../api/endpoints'
import type { NamedText, Sources } from '../api/policy'
import type { ConfigMistake } from '../api/types'
import { fileChanges, type FileChange } from '../policy/compare'
import { asIn, rebased, sameContent, type Content } from '../policy/content'
import { inserted, replaced, without } from '../policy/files'

/** A row that is being written: at a line that exists, or behind one. */
export interface OpenRow {
  file: string
  /** The line that is replaced; undefined adds one. */
  line: number | undefined
  after: number
  text: string
}

/** The change that the draft is written for, where it is not a new one. */
export interface Revised {
  id: number
  reason: string
  /** Who approved it as it stands. */
  approvals: string[]
}

const NOTHING: Content = { rules: [], statements: [], cases: [] }

/** What the draft began from. */
export const base = shallowRef<Sources>()
/** The texts with what has been put into them. */
const kept = shallowRef<Content>(NOTHING)
/** The row in the form, once it can stand. */
export const openRow = ref<OpenRow>()
/** Whether something in a form cannot stand yet. */
export const unfinished = ref(false)
export const revises = shallowRef<Revised>()
/** Lines of a change that did not go into the draft, since what is live changed the same place. */
export const leftOut = shallowRef<FileChange[]>([])
/** Counts beginnings, so that forms begin anew with the draft. */
export const beginnings = ref(0)

export const rules = computed<NamedText[]>(() => kept.value.rules)
export const statements = computed<NamedText[]>(() => kept.value.statements)
export const cases = computed<NamedText[]>(() => kept.value.cases)
/** A model of the draft's own, which only a change that was made elsewhere can bring. */
export const model = computed<NamedText | undefined>(() => kept.value.model)

/** The files with the row in the form as well: what is checked, and what is proposed. */
export const candidate = computed<NamedText[]>(() => {
  const row = openRow.value
  if (row === undefined) return kept.value.rules
  return edited(kept.value.rules, row.file, (text) =>
    row.line === undefined ? inserted(text, row.after, row.text) : replaced(text, row.line, row.text),
  )
})

/** What the candidate changes of the rules, line by line, over all files. */
export const pending = computed(() => fileChanges(base.value?.rules ?? [], candidate.value))
export const pendingStatements = computed(() => fileChanges(base.value?.statements ?? [], kept.value.statements))
export const newCases = computed(() =>
  kept.value.cases.filter(({ name, text }) => base.value?.cases.find((one) => one.name === name)?.text !== text),
)
export const changed = computed(
  () =>
    pending.value.length > 0 ||
    pendingStatements.value.length > 0 ||
    newCases.value.length > 0 ||
    model.value !== undefined,
)

/** What is sent: the rules always, the others where they changed, since what is left out stays as it is live. */
export const proposed = computed(() => ({
  rules: candidate.value,
  ...(pendingStatements.value.length > 0 ? { statements: kept.value.statements } : {}),
  ...(newCases.value.length > 0 ? { cases: kept.value.cases } : {}),
  ...(model.value === undefined ? {} : { model: model.value }),
}))

/** What the gateway found wrong with the draft as it was proposed last; said where people work until they change it. */
export const refusal = shallowRef<ConfigMistake[]>([])
watch(proposed, () => (refusal.value = []), { flush: 'sync' })

/** Reads the policy in force. A draft that has been begun keeps what it began from. */
export async function readSources(): Promise<Sources> {
  const sources = await api.sources()
  if (!changed.value && revises.value === undefined) take(sources, asIn(sources))
  return sources
}

export function begin(sources: Sources, content: Content = asIn(sources), change?: Revised): void {
  take(sources, content)
  unfinished.value = false
  leftOut.value = []
  revises.value = change
  beginnings.value++
}

function take(sources: Sources, content: Content): void {
  openRow.value = undefined
  base.value = sources
  kept.value = content
}

/** Whether what is in force is no longer what the draft began from. */
export function isOutdated(sources: Sources): boolean {
  return base.value !== undefined && !sameContent(base.value, sources)
}

/** Puts the draft on top of what is in force now; what does not fit is told. */
export function carryOver(sources: Sources): void {
  const was = base.value
  if (was === undefined) return
  if (openRow.value !== undefined) keepRow()
  const { content, left } = rebased({ ...asIn(was), model: was.model }, kept.value, sources)
  begin(sources, content, revises.value)
  leftOut.value = left
}

/** Puts the row in the form into the draft. */
export function keepRow(): void {
  kept.value = { ...kept.value, rules: candidate.value }
  openRow.value = undefined
}

export function removeRow(file: string, line: number): void {
  openRow.value = undefined
  kept.value = { ...kept.value, rules: edited(kept.value.rules, file, (text) => without(text, line)) }
}

export function discard(): void {
  if (base.value !== undefined) begin(base.value)
}

/** The files that tests and statements go to when the policy has none yet. */
const CASES = 'console.policy-test.jsonl'
export const STATEMENTS = 'console.statements'

export function addCase(line: string): void {
  const [first, ...rest] = kept.value.cases
  const text = first?.text ?? ''
  const glue = text === '' || text.endsWith('\n') ? '' : '\n'
  kept.value = {
    ...kept.value,
    cases: [{ name: first?.name ?? CASES, text: `${text}${glue}${line}\n` }, ...rest],
  }
}

/** Edits a file of statements; one that is not there yet begins empty. */
export function editStatements(file: string, edit: (text: string) => string): void {
  const files = kept.value.statements
  const there = files.some(({ name }) => name === file) ? files : [...files, { name: file, text: '' }]
  kept.value = { ...kept.value, statements: edited(there, file, edit) }
}

function edited(files: NamedText[], file: string, edit: (text: string) => string): NamedText[] {
  return files.map((one) => (one.name === file ? { ...one, text: edit(one.text) } : one))
}
