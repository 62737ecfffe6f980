/** The rules as somebody is changing them, kept while the console is open: the editor writes, the tools may ask. */
import { computed, ref, shallowRef } from 'vue'
import { api } from '../api/endpoints'
import type { NamedText, Sources } from '../api/policy'
import { fileChanges } from '../policy/compare'
import { inserted, replaced, without } from '../policy/files'

/** A row that is being written: at a line that exists, or behind one. */
export interface OpenRow {
  file: string
  /** The line that is replaced; undefined adds one. */
  line: number | undefined
  after: number
  text: string
}

/** What the draft began from. */
export const base = shallowRef<Sources>()
/** The files with what has been put into them. */
const kept = shallowRef<NamedText[]>([])
const keptCases = shallowRef<NamedText[]>([])
/** The row in the form, once it can stand. */
export const openRow = ref<OpenRow>()

export const rules = computed<NamedText[]>(() => kept.value)
export const cases = computed<NamedText[]>(() => keptCases.value)

/** The files with the row in the form as well: what is checked, and what is proposed. */
export const candidate = computed<NamedText[]>(() => {
  const row = openRow.value
  if (row === undefined) return kept.value
  return edited(row.file, (text) =>
    row.line === undefined ? inserted(text, row.after, row.text) : replaced(text, row.line, row.text),
  )
})

/** What the candidate changes, line by line, over all files. */
export const pending = computed(() => fileChanges(base.value?.rules ?? [], candidate.value))
export const newCases = computed(() =>
  keptCases.value.filter(({ name, text }) => base.value?.cases.find((one) => one.name === name)?.text !== text),
)
export const changed = computed(() => pending.value.length > 0 || newCases.value.length > 0)

/** Reads the policy in force. A draft that has been begun keeps what it began from. */
export async function readSources(): Promise<Sources> {
  const sources = await api.sources()
  if (!changed.value) begin(sources)
  return sources
}

export function begin(sources: Sources): void {
  base.value = sources
  kept.value = sources.rules
  keptCases.value = sources.cases
  openRow.value = undefined
}

/** Puts the row in the form into the draft. */
export function keepRow(): void {
  kept.value = candidate.value
  openRow.value = undefined
}

export function removeRow(file: string, line: number): void {
  openRow.value = undefined
  kept.value = edited(file, (text) => without(text, line))
}

export function discard(): void {
  if (base.value !== undefined) begin(base.value)
}

/** The file that tests go to when the policy has none yet. */
const CASES = 'console.policy-test.jsonl'

export function addCase(line: string): void {
  const [first, ...rest] = keptCases.value
  const text = first?.text ?? ''
  const glue = text === '' || text.endsWith('\n') ? '' : '\n'
  keptCases.value = [{ name: first?.name ?? CASES, text: `${text}${glue}${line}\n` }, ...rest]
}

function edited(file: string, edit: (text: string) => string): NamedText[] {
  return kept.value.map((one) => (one.name === file ? { ...one, text: edit(one.text) } : one))
}
