/** What inspection's findings, marks and exceptions send and take; the names are those on the wire. */

/** Which part of the record was looked at. */
export interface Window {
  events: number
  from_ms: number
  to_ms: number
  more: boolean
}

/** A rule in a portal: how often it was seen, and how often it was right. */
export interface InspectionRule {
  rule: string
  portal: string
  /** Whether it is the gateway's own. */
  own: boolean
  summary: string | null
  category: string
  technique: string | null
  requests: number
  blocked: number
  last_ms: number | null
  true_positives: number
  false_positives: number
  precision: { share: number; low: number; high: number } | null
  exceptions: number
}

export interface InspectionRules {
  rules: InspectionRule[]
  window: Window
}

export type MarkWord = 'false-positive' | 'true-positive'
export type Unexceptable = 'rule-file' | 'not-described' | 'response' | 'masked' | 'nowhere'

export interface Finding {
  rule: string
  own: boolean
  category: string
  score: number
  technique: string | null
  place: string
  evidence: string | null
  unexceptable: Unexceptable | null
  mark: { mark: MarkWord; note: string; by: string; at_ms: number } | null
}

/** A request in which something was seen. */
export interface InspectedEvent {
  index: number
  time_ms: number
  request_id: string
  portal: string | null
  zone: string | null
  method: string
  path: string
  caller: string
  address: string
  status: number
  outcome: 'allowed' | 'refused'
  reason: string | null
  findings: Finding[]
}

export interface InspectedEvents {
  events: InspectedEvent[]
  next_before: number | null
  window: Window
}

export interface InspectedFilter {
  rule?: string
  portal?: string
  outcome?: string
  marked?: string
}

/** Where an exception holds. */
export interface Scope {
  rule: string
  portal: string
  path: string | null
  parameter: string | null
}

/** What an exception would have done in the recorded past. */
export interface Reach {
  covered: number
  let_through: number
  still_refused: number
  not_refused: number
  callers: number
  addresses: number
  marked_attacks: number
}

export type Wide = 'many-requests' | 'every-path' | 'every-parameter' | 'real-attack'

/** The narrowest exception for a finding. */
export interface Narrowest {
  scope: Scope
  reach: Reach
  samples: { index: number; time_ms: number; caller: string; address: string; method: string; path: string }[]
  window: Window
  unknown: string[]
  approvals: number
  because: Wide[]
  until_ms: number
  longest_ms: number
}

export type ExceptionState = 'pending' | 'in-force' | 'rejected' | 'withdrawn' | 'ended' | 'expired'

export interface Exception {
  id: number
  state: ExceptionState
  scope: Scope
  reason: string
  by: string
  created_ms: number
  until_ms: number
  approvals: number
  because: Wide[]
  approved_by: string[]
  event: number | null
  reach: Reach
  steps: { what: string; by: string; reason: string; at_ms: number }[]
}

/** An exception that the configuration makes. */
export interface Configured {
  portal: string
  rule: string
  path: string | null
  parameter: string | null
  from: string | null
  mode: 'off' | 'observe'
  until_ms: number | null
  ended: boolean
  reason: string
}

export interface Exceptions {
  exceptions: Exception[]
  configured: Configured[]
  /** Why there are none but those of the configuration. */
  broken: string | null
}

export interface NewException {
  scope: Scope
  reason: string
  until_ms: number
  event?: number
}

export type ExceptionStep = 'approve' | 'reject' | 'withdraw' | 'end'
