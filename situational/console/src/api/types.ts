/** What the administration API sends and takes; the names are those on the wire. */

export type Role = 'sysadmin' | 'secadmin' | 'auditor'

export interface Session {
  user: string
  name: string
  role: Role
  csrf: string
  expires_ms: number
  /** `METHOD PATTERN` each, as in `GET /admin/audit/*`; the method may be `*`. */
  permissions: string[]
}

/** RFC 9457, with a reason code and Chinese text beside the English. */
export interface ProblemDocument {
  type?: string
  title?: string
  status?: number
  detail?: string
  reason?: string
  title_zh?: string
  detail_zh?: string
}

export interface Words {
  zh: string
  en: string
}

export interface Upstream {
  address: string
  healthy: boolean
  ejected: boolean
  active: number
}

export interface AuditState {
  size: number
  health: string
  checkpoint_size: number
  checkpoint_time_ms: number
}

export interface Overview {
  now_ms: number
  uptime_s: number
  version: string
  revision: number | string
  zones: { name: string; listeners: string[]; connections: number; requests_total: number; refused_total: number }[]
  /** Ten-second buckets. */
  series: { t_ms: number; zone: string; allowed: number; refused: number }[]
  alerts_open: number
  bans_active: number
  upstreams: ({ portal: string } & Upstream)[]
  audit: AuditState
}

/** One second of traffic. */
export interface TrafficTick {
  t_ms: number
  zones: { name: string; allowed: number; refused: number }[]
  connections: number
}

export type Outcome = 'allowed' | 'refused'

export interface EventSummary {
  index: number
  time_ms: number
  request_id: string
  decision_id: string | null
  zone: string
  to_zone: string | null
  address: string
  caller: string
  portal: string | null
  method: string
  host: string
  path: string
  status: number
  outcome: Outcome
  reason: string | null
  score: number
  /** How many values were redacted; some gateways send only whether any were. */
  redacted: number | boolean
  duration_us: number
}

export interface EventPage {
  events: EventSummary[]
  next_before: number | null
}

export interface EventRecord {
  summary: EventSummary
  raw: unknown
}

export interface RuleText {
  id: number | string
  file: string
  line: number
  text: string
}

export interface Decision {
  decision_id: string
  event: EventSummary
  effect: 'allow' | 'deny'
  grounds: string
  revision: number | string
  rules: RuleText[]
  obligations: Record<string, unknown>
  request: {
    sub: string
    dom: string
    src: string
    host: string
    path: string
    act: string
    ctx: Record<string, unknown>
  }
  nearest: { rule: RuleText; failed: string }[]
  note: string | null
}

export interface RuleFields {
  sub: string
  dom: string
  src: string
  host: string
  path: string
  act: string
  cond: string
  eft: string
  obl: string
}

export interface PolicyRule {
  id: number | string
  file: string
  line: number
  fields: RuleFields
}

export interface Policy {
  revision: number | string
  loaded_ms: number
  model: string
  files: string[]
  rules: PolicyRule[]
  roles: { kind: 'g' | 'g2'; fields: string[] }[]
}

export type Severity = 'low' | 'medium' | 'high' | 'critical'
export type AlertStatus = 'open' | 'acknowledged' | 'closed'
export type Verdict = 'true_positive' | 'false_positive'
export type BanKind = 'caller' | 'address' | 'certificate'
/** An alert can also be about a part of the gateway itself. */
export type EntityKind = BanKind | 'gateway'

export interface Alert {
  id: number | string
  time_ms: number
  last_ms: number
  rule: string
  severity: Severity
  title: Words
  description: Words
  entity: { kind: EntityKind; value: string }
  count: number
  technique: string | null
  events: number[]
  /** Summaries of `events`, from gateways that send them along. */
  evidence?: EventSummary[]
  status: AlertStatus
  /** What people found, once it is closed. */
  verdict?: Verdict | null
  response: { kind: string; until_ms: number | null; id: number | string | null } | null
  notes: { time_ms: number; by: string; text: string }[]
}

export interface CallerSeen {
  caller: string
  risk: number
  requests: number
  refused: number
  last_ms: number
  addresses: string[]
  sessions: number
}

export interface Ban {
  id: number | string
  kind: BanKind
  value: string
  reason: string
  by: string
  created_ms: number
  until_ms: number
  alert: number | string | null
}

export interface NewBan {
  kind: BanKind
  value: string
  reason: string
  minutes: number
}

export interface ConfigMistake {
  file: string
  line: number
  column: number
  message: string
  message_zh: string
  /** What would be right. */
  help?: string
  help_zh?: string
}

export interface SystemStatus {
  config: { path: string; revision: number | string; loaded_ms: number; last_error: ConfigMistake[] | null }
  portals: { name: string; zone: string; hosts: string[]; department: string | null; upstreams: Upstream[] }[]
  zones: {
    name: string
    listeners: string[]
    client_certificates: string
    connections: number
    limit: number | null
  }[]
  crossings: { from: string; to: string }[]
  certificates: { name: string; not_after_ms: number }[]
  audit: AuditState
}

export interface Reloaded {
  changed: boolean
  revision: number | string
}
