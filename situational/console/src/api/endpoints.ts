/** Every call the console makes, one line each. */
import { at, call } from './client'
import type {
  Exception,
  Exceptions,
  ExceptionStep,
  InspectedEvent,
  InspectedEvents,
  InspectedFilter,
  InspectionRules,
  MarkWord,
  Narrowest,
  NewException,
} from './inspection'
import type {
  Advance,
  Change,
  ChangeDetail,
  Changes,
  NewChange,
  Sources,
  Tool,
  ToolAnswer,
  ToolQuestion,
} from './policy'
import type { Revealed, SeenFields, Sought, Trial } from './redaction'
import type {
  Alert,
  AlertStatus,
  Ban,
  CallerSeen,
  Decision,
  EventPage,
  EventRecord,
  NewBan,
  Overview,
  Policy,
  Reloaded,
  Session,
  SystemStatus,
  Verdict,
} from './types'

export interface EventFilter {
  zone?: string
  caller?: string
  outcome?: string
  reason?: string
  portal?: string
  address?: string
  q?: string
}

/** The tools ask a whole policy many questions. Chosen. */
const TOOL_PATIENCE_MS = 60_000

export const api = {
  signIn: (username: string, password: string) => call<Session>('POST', '/admin/session', { username, password }),
  session: () => call<Session>('GET', '/admin/session'),
  signOut: () => call<void>('DELETE', '/admin/session'),

  overview: () => call<Overview>('GET', '/admin/situational/overview'),

  events: (filter: EventFilter, before: number | undefined, limit: number) =>
    call<EventPage>('GET', at('/admin/audit/events', {}, { before, limit, ...filter })),
  event: (index: number) => call<EventRecord>('GET', at('/admin/audit/events/{index}', { index })),

  decision: (id: string) => call<Decision>('GET', at('/admin/policy/decisions/{id}', { id })),
  policy: () => call<Policy>('GET', '/admin/policy/current'),

  sources: () => call<Sources>('GET', '/admin/policy/sources'),
  tool: (tool: Tool, question: ToolQuestion) =>
    call<ToolAnswer>('POST', at('/admin/policy/tools/{tool}', { tool }), question, TOOL_PATIENCE_MS),
  changes: () => call<Changes>('GET', '/admin/policy/changes'),
  change: (id: Change['id']) =>
    call<ChangeDetail>('GET', at('/admin/policy/changes/{id}', { id }), undefined, TOOL_PATIENCE_MS),
  propose: (change: NewChange) => call<Change>('POST', '/admin/policy/changes', change, TOOL_PATIENCE_MS),
  revise: (id: Change['id'], change: NewChange) =>
    call<Change>('POST', at('/admin/policy/changes/{id}/revise', { id }), change, TOOL_PATIENCE_MS),
  approve: (id: Change['id'], bundle: string, reason: string) =>
    call<Change>('POST', at('/admin/policy/changes/{id}/approve', { id }), { reason, bundle }),
  judge: (id: Change['id'], verdict: 'reject' | 'withdraw' | 'rollback' | 'review', reason: string) =>
    call<Change>('POST', at('/admin/policy/changes/{id}/{verdict}', { id, verdict }), { reason }),
  advance: (id: Change['id'], step: Advance) =>
    call<Change>('POST', at('/admin/policy/changes/{id}/advance', { id }), step, TOOL_PATIENCE_MS),
  rollBack: (reason: string) => call<Change>('POST', '/admin/policy/rollback', { reason }),

  tryRedaction: (body: { type: string; text: string }) =>
    call<Trial>('POST', '/admin/redaction/trial', body, TOOL_PATIENCE_MS),
  reveal: (sought: Sought) => call<Revealed>('POST', '/admin/redaction/reveal', sought),
  person: (sought: Sought) => call<{ person: string }>('POST', '/admin/redaction/person', sought),
  redactionFields: () => call<SeenFields>('GET', '/admin/redaction/fields'),

  inspectionRules: () => call<InspectionRules>('GET', '/admin/inspection/rules', undefined, TOOL_PATIENCE_MS),
  inspected: (filter: InspectedFilter, before: number | undefined, limit: number) =>
    call<InspectedEvents>(
      'GET',
      at('/admin/inspection/events', {}, { before, limit, ...filter }),
      undefined,
      TOOL_PATIENCE_MS,
    ),
  inspectedEvent: (index: number) => call<InspectedEvent>('GET', at('/admin/inspection/events/{index}', { index })),
  markFinding: (index: number, rule: string, mark: MarkWord | 'none') =>
    call<InspectedEvent>('POST', at('/admin/inspection/events/{index}/mark', { index }), { rule, mark }),
  exceptions: () => call<Exceptions>('GET', '/admin/inspection/exceptions'),
  narrowest: (event: number, rule: string, place: string) =>
    call<Narrowest>('POST', '/admin/inspection/exceptions/propose', { event, rule, place }, TOOL_PATIENCE_MS),
  except: (exception: NewException) =>
    call<Exception>('POST', '/admin/inspection/exceptions', exception, TOOL_PATIENCE_MS),
  judgeException: (id: number, step: ExceptionStep, reason: string) =>
    call<Exception>('POST', at('/admin/inspection/exceptions/{id}/{step}', { id, step }), { reason }),

  alerts: (status: AlertStatus) => call<{ alerts: Alert[] }>('GET', at('/admin/situational/alerts', {}, { status })),
  acknowledge: (id: Alert['id'], note: string) =>
    call<Alert>('POST', at('/admin/situational/alerts/{id}/acknowledge', { id }), { note }),
  close: (id: Alert['id'], note: string, verdict: Verdict) =>
    call<Alert>('POST', at('/admin/situational/alerts/{id}/close', { id }), { note, verdict }),
  undoResponse: (id: Alert['id'], reason: string) =>
    call<Alert>('DELETE', at('/admin/situational/alerts/{id}/response', { id }, { reason })),

  callers: () => call<{ callers: CallerSeen[] }>('GET', '/admin/situational/callers'),
  endSessions: (caller: string) =>
    call<{ ended: number }>('DELETE', at('/admin/situational/callers/{caller}/sessions', { caller })),

  bans: () => call<{ bans: Ban[] }>('GET', '/admin/situational/bans'),
  ban: (ban: NewBan) => call<Ban>('POST', '/admin/situational/bans', ban),
  lift: (id: Ban['id'], reason: string) => call<void>('DELETE', at('/admin/situational/bans/{id}', { id }, { reason })),

  system: () => call<SystemStatus>('GET', '/admin/system/status'),
  reload: () => call<Reloaded>('POST', '/admin/system/reload'),
}
