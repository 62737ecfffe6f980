/** What redaction's trial and findings send and take; the names are those on the wire. */

export const LEVELS = ['L1', 'L2', 'L3', 'L4'] as const
export type Level = (typeof LEVELS)[number]

/** Values by kind, as in `{"mobile": 2}`; kinds that were not found are left out. */
export type Counts = Record<string, number>

export interface Trial {
  /** What was found, and of that what was masked. */
  levels: { level: Level; text: string; counts: Counts; masked: Counts }[]
}

/** A field of a portal's answers that was sampled and seen to carry personal data; never a value of it. */
export interface SeenField {
  portal: string
  path: string
  field: string
  kind: string
  seen: number
  first_ms: number
  last_ms: number
  /** The least redaction that an answer got; null where one went out as it was. */
  redacted: string | null
}

export interface SeenFields {
  fields: SeenField[]
  /** Whether there are more than are listed. */
  truncated: boolean
}

/** A value that is asked about, and why. */
export interface Sought {
  kind: string
  value: string
  reason: string
}

export interface Revealed {
  kind: string
  value: string
}
