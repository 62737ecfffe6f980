/** A row that is written in a form: from the list into the form, from there into the draft. */
import { computed, onBeforeUnmount, ref, shallowRef, watch, type Ref } from 'vue'
import { printRow } from '../../policy/csv'
import type { Row } from '../../policy/files'
import { beginnings, keepRow, openRow, removeRow, rules, unfinished } from '../../state/draft'

/** A row with the file that it stands in. */
export interface Placed extends Row {
  file: string
}

/** The row as it would stand, or what keeps it from standing. */
export interface Written {
  text: string
  file: string
  line: number
  /** Names of the fields that are still empty, and of those with a character that no row may hold. */
  lacks: string[]
  unseen: string[]
}

export interface Parts<F> {
  /** The form of a row; of a new one where there is none. */
  form: (row: Row | undefined) => F
  /** The cells of the form's row, the section's name first. */
  cells: (form: F, before: Row | undefined) => string[]
  lacks: (form: F) => string[]
  unseen: (form: F) => string[]
  /** Line behind which a new row belongs. */
  place: (text: string, cells: string[]) => number
  /** Files that a new row may go to, the usual one first. */
  files: () => string[]
}

export function useRowForm<F>(parts: Parts<F>) {
  const form = ref() as Ref<F | undefined>
  const before = shallowRef<Row>()
  const file = ref('')
  const choices = computed(() => parts.files())

  const written = computed<Written | undefined>(() => {
    if (form.value === undefined) return undefined
    const cells = parts.cells(form.value, before.value)
    const source = rules.value.find(({ name }) => name === file.value)?.text ?? ''
    const was = before.value
    // A row whose fields are as they were keeps its line to the blank.
    const same = was !== undefined && printRow([was.section, ...was.fields]) === printRow(cells)
    return {
      text: same ? was.raw : printRow(cells),
      file: file.value,
      line: was?.line ?? parts.place(source, cells) + 1,
      lacks: parts.lacks(form.value),
      unseen: parts.unseen(form.value),
    }
  })

  watch([written, before], ([row]) => {
    const ready = row !== undefined && row.lacks.length === 0 && row.unseen.length === 0
    unfinished.value = row !== undefined && !ready
    openRow.value = ready
      ? { file: row.file, line: before.value?.line, after: row.line - 1, text: row.text }
      : undefined
  })

  function write(): void {
    if (openRow.value !== undefined) keepRow()
    before.value = undefined
    if (!choices.value.includes(file.value)) file.value = choices.value[0] ?? ''
    form.value = parts.form(undefined)
  }
  function edit(row: Placed): void {
    file.value = row.file
    before.value = row
    form.value = parts.form(row)
  }
  function close(): void {
    form.value = undefined
    before.value = undefined
  }
  // A draft that begins anew has none of what was being written; at once, before it could be put into it.
  watch(beginnings, close, { flush: 'sync' })
  function done(): void {
    keepRow()
    close()
  }
  function remove(): void {
    if (before.value !== undefined) removeRow(file.value, before.value.line)
    close()
  }
  // What can stand is not lost by looking at another page.
  onBeforeUnmount(() => {
    if (openRow.value !== undefined) keepRow()
    unfinished.value = false
  })
  return { form, before, file, choices, written, write, edit, close, done, remove }
}
