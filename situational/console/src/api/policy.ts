/** What the policy's tools and changes send and take; the names are those on the wire. */
import type { ConfigMistake, RuleText } from './types'

export interface NamedText {
  name: string
  text: string
}

export interface Sources {
  revision: number | string
  model: NamedText
  rules: NamedText[]
  cases: NamedText[]
  /** What must hold of every policy. */
  statements: NamedText[]
  /** Columns of a rule, in order. */
  columns: string[]
  /** Members of a request, in order. */
  fields: string[]
}

export const TOOLS = ['lint', 'test', 'prove', 'explain', 'who-can', 'what-can', 'diff', 'replay'] as const
export type Tool = (typeof TOOLS)[number]

export type PolicyRequest = Record<string, unknown>

/** What a tool is asked; rules that are left out are those in force. */
export interface ToolQuestion {
  model?: NamedText
  rules?: NamedText[]
  cases?: NamedText[]
  statements?: NamedText[]
  request?: PolicyRequest
  /** Whether the tests are tried on rules with faults put in on purpose. */
  faults?: boolean
  /** How many recorded decisions are replayed, the newest. */
  events?: number
}

export interface ToolAnswer {
  revision: number | string
  lines: unknown[]
}

/** A problem's extra members when a candidate was refused. */
export interface CandidateRefused {
  /** What does not load, and what does not fit the gateway's configuration. */
  mistakes?: ConfigMistake[]
  errors?: ConfigMistake[]
}

/** A statement with its verdict. */
export interface Judged {
  file: string
  line: number
  statement: string
  verdict: 'proved' | 'refuted' | 'undecided'
  /** Sets of requests that were looked at; 0 where none is within its scope. */
  cases?: number
  witness?: Witness
  message: string
  message_zh: string
}

/** What shows that a statement does not hold. */
export interface Witness {
  portal?: string
  from?: string
  /** An allowed request; of roles that exclude one another, who has them. */
  request: PolicyRequest
  obligations?: string
  /** The rows behind it, `file:line`. */
  rules: string[]
}

export interface Finding {
  code: string
  severity: 'error' | 'warning' | 'note'
  file: string
  line: number
  message: string
  message_zh: string
  help: string
  help_zh: string
  others: string[]
  sample?: PolicyRequest
}

export interface CaseFailure {
  file: string
  failure: { line: number; name: string; message: string; message_zh: string }
}

export interface Survivor {
  file: string
  line: number
  change: string
  sample: PolicyRequest | null
}

export interface TestSummary {
  run: number
  failed: number
  coverage: {
    rows: number
    rows_applied: number
    rows_missed: string[]
    conditions: number
    conditions_both_ways: number
    conditions_missed: string[]
  }
  faults?: { tried: number; noticed: number; left_out: number; survivors: Survivor[] }
}

export interface RuleView {
  ordinal: number
  file: string
  line: number
  effect: 'allow' | 'deny'
  fields: string[]
}

export interface Clause {
  text: string
  value: 'true' | 'false' | 'unknown'
  saw: [name: string, value: string][]
}

export interface Explanation {
  decision: {
    effect: 'allow' | 'deny'
    grounds: string
    rules: number[]
    obligations: Record<string, unknown>
    revision: string
  }
  rows: { rule: RuleView; applies: boolean; failing: number; clauses: Clause[] }[]
  would_allow: { set: { name: string; from: unknown; to: unknown }[]; request: PolicyRequest }[]
}

export interface Grant {
  rule: RuleView
  when: string[]
}

export interface Reach {
  /** Null is everybody whom the policy does not name. */
  who: string | null
  answer: 'yes' | 'perhaps' | 'no'
  allowed_by: Grant[]
  denied_by: Grant[]
}

export interface Region {
  kind: 'row-added' | 'row-removed' | 'row-moved' | 'role-added' | 'role-removed' | 'model'
  text: string
  file: string
  line: number
  gained: PolicyRequest | null
  lost: PolicyRequest | null
  callers: number | null
  some: string[]
}

export interface Flip {
  id: string
  caller: string
  portal: string
  was: string
  now: string
  rules_then: string[]
  rules_now: string[]
  request: PolicyRequest
}

export interface ReplaySummary {
  replayed: number
  same: number
  gained: number
  lost: number
  unjudged: number
  by_rule: Record<string, number>
  by_caller: Record<string, number>
  by_portal: Record<string, number>
}

export const STAGES = [
  'draft',
  'review',
  'approved',
  'shadow',
  'canary',
  'live',
  'rejected',
  'withdrawn',
  'rolled-back',
  'superseded',
  'expired',
] as const
export type Stage = (typeof STAGES)[number]
export type ChangeKind = 'founding' | 'ordinary' | 'emergency' | 'rollback'

export interface Change {
  id: number
  bundle: string
  /** The bundle that was live when it was written; the first change has none. */
  parent: string | null
  author: string
  reason: string
  created_ms: number
  kind: ChangeKind
  until_ms: number | null
  stage: Stage
  required: number
  /** People whose approval it needs, whoever else approves. */
  owners: string[] | null
  approvals: { who: string; when_ms: number; reason: string }[]
  /** Null until it was handed to review. */
  reach: {
    /** Callers; null is everybody. */
    gain: number | null
    lose: number | null
    denies_removed: boolean
    obligations_weakened: boolean
    statements_changed: boolean
    model_changed: boolean
    protected: string[]
  } | null
  steps: { who: string; when_ms: number; what: string; why: string }[]
  review_due_ms: number | null
}

export interface ChangeDetail extends Change {
  model: NamedText
  rules: NamedText[]
  statements: NamedText[]
  cases: NamedText[]
  /** What was live when it was written. */
  before: { model: NamedText; rules: NamedText[]; statements: NamedText[]; cases: NamedText[] } | null
  /** Who gains and loses what; null where finding out would take too long. */
  diff: Region[] | null
}

export interface DecisionDifference {
  live: RuleText | null
  candidate: RuleText | null
  flip: 'gained' | 'lost' | 'costs' | 'unjudged'
  count: number
  sample: { caller: string; request: PolicyRequest } | null
}

export interface CandidateState {
  change: number
  mode: 'shadow' | 'canary'
  departments: string[]
  /** Share of callers, per cent. */
  share: number | null
  asked: number
  differed: number
  refused_more: number
  refused_less: number
  differences: DecisionDifference[]
}

export interface Changes {
  /** Whether changes are reviewed here; otherwise the policy follows its files. */
  reviewed: boolean
  live: { bundle: string; revision: number | string; since_ms: number | null; by: string | null }
  candidate: CandidateState | null
  changes: Change[]
}

export interface NewChange {
  reason: string
  rules: NamedText[]
  model?: NamedText
  statements?: NamedText[]
  cases?: NamedText[]
  emergency_until_ms?: number
}

export interface Advance {
  to: 'shadow' | 'canary' | 'live'
  reason: string
  departments?: string[]
  share?: number
}
