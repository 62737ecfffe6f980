/** What a column of a `DataTable` is. Widths are fixed so that rows do not jump as data changes. */
export interface Column<T> {
  key: string
  title: string
  /** Pixels. The column named `grows` takes what is left, and its width is its least. */
  width: number
  grows?: boolean
  /** Stays in view when the table scrolls sideways. */
  fixed?: 'left' | 'right'
  align?: 'right'
  mono?: boolean
  /** What a cell shows when no slot `cell-KEY` is given, and its tooltip when it is cut off. */
  text?: (row: T) => string
  /** What it is sorted by; a column without it is not sortable. */
  sort?: (row: T) => string | number
  /** Whether this cell is the button that opens the row. */
  opens?: boolean
}

export type Order = { key: string; descending: boolean } | undefined

/** Rows in order; ties keep the order in which they came. */
export function ordered<T>(rows: readonly T[], columns: readonly Column<T>[], order: Order): T[] {
  const by = columns.find((column) => column.key === order?.key)?.sort
  const copy = [...rows]
  if (by === undefined || order === undefined) return copy
  const sign = order.descending ? -1 : 1
  return copy.sort((a, b) => sign * compare(by(a), by(b)))
}

/** Made once: making one for each comparison takes seconds over a large policy. */
const WORDS = new Intl.Collator('zh-CN', { numeric: true })

function compare(a: string | number, b: string | number): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return WORDS.compare(String(a), String(b))
}
