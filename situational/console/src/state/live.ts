/** What the gateway pushes: traffic each second, events and alerts as they happen. */
import { computed, ref, shallowRef } from 'vue'
import { api } from '../api/endpoints'
import type { Alert, EventSummary, Outcome, Overview, TrafficTick } from '../api/types'
import { now } from './clock'
import { DEED } from './may'
import { can } from './session'
import { Traffic } from './traffic'

/** Traffic comes each second; this much silence means the picture is old. Chosen. */
const SILENCE_MS = 5_000
/** How often roles without the stream ask instead. */
const POLL_MS = 5_000
/** How often the snapshot is taken again: it alone tells of alerts, upstreams and the log. Chosen. */
const RESYNC_MS = 10_000
const KEPT_EVENTS = 200
/** A busy gateway sends more events than a page can draw one by one; they are shown in batches. Chosen. */
const BATCH_MS = 500

export type Freshness = 'off' | 'starting' | 'live' | 'polling' | 'stale'

export const overview = shallowRef<Overview>()
export const overviewError = shallowRef<unknown>()
/** When the newest word from the gateway came, by this machine's clock. */
export const heard = ref(0)
/** Counts changes of the traffic picture, for charts to watch. */
export const beat = ref(0)
export const connections = ref<number>()
/** The newest events that were let through, and apart from them, so that no flood hides one, the refused. */
export const recentAllowed = shallowRef<EventSummary[]>([])
export const recentRefused = shallowRef<EventSummary[]>([])
/** Counts alerts that arrived on the stream, for the queue to watch. */
export const alertBeat = ref(0)
export const newestAlert = shallowRef<Alert>()
export const traffic = new Traffic()

const mode = ref<'off' | 'stream' | 'poll'>('off')
const startedAt = ref(0)

export const freshness = computed<Freshness>(() => {
  if (mode.value === 'off') return 'off'
  const patience = mode.value === 'stream' ? SILENCE_MS : POLL_MS * 3
  if (heard.value === 0) return now.value - startedAt.value > patience ? 'stale' : 'starting'
  if (now.value - heard.value > patience) return 'stale'
  return mode.value === 'stream' ? 'live' : 'polling'
})

let source: EventSource | undefined
let timer: ReturnType<typeof setInterval> | undefined

export function startLive(): void {
  stopLive()
  startedAt.value = Date.now()
  if (can(DEED.overview)) void refreshOverview()
  if (can(DEED.stream)) {
    mode.value = 'stream'
    listen()
    timer = setInterval(() => {
      if (source?.readyState === EventSource.CLOSED) listen()
      if (Date.now() - lastSnapshot > RESYNC_MS || freshness.value === 'stale') void refreshOverview()
    }, 5_000)
  } else {
    mode.value = 'poll'
    timer = setInterval(() => void refreshOverview(), POLL_MS)
  }
}

export function stopLive(): void {
  source?.close()
  source = undefined
  clearInterval(timer)
  mode.value = 'off'
  heard.value = 0
  overview.value = undefined
  clearTimeout(flushing)
  flushing = undefined
  waiting.allowed = []
  waiting.refused = []
  recentAllowed.value = []
  recentRefused.value = []
  newestAlert.value = undefined
}

let lastSnapshot = 0

export async function refreshOverview(): Promise<void> {
  lastSnapshot = Date.now()
  try {
    const found = await api.overview()
    overview.value = found
    overviewError.value = undefined
    traffic.reset(found)
    beat.value++
    // On the stream only the stream itself proves that it lives.
    if (mode.value === 'poll') heard.value = Date.now()
  } catch (error) {
    overviewError.value = error
  }
}

function listen(): void {
  source?.close()
  source = new EventSource('/admin/situational/stream')
  // What passed while the line was down is in the snapshot.
  source.addEventListener('open', () => void refreshOverview())
  source.addEventListener('traffic', (message) => {
    const tick = read<TrafficTick>(message)
    if (tick === undefined) return
    heard.value = Date.now()
    connections.value = tick.connections
    traffic.add(tick)
    beat.value++
  })
  source.addEventListener('event', (message) => {
    const event = read<EventSummary>(message)
    if (event === undefined) return
    const queue = waiting[event.outcome]
    if (queue === undefined) return
    queue.unshift(event)
    if (queue.length > KEPT_EVENTS) queue.pop()
    flushing ??= setTimeout(flush, BATCH_MS)
  })
  source.addEventListener('alert', (message) => {
    const alert = read<Alert>(message)
    if (alert === undefined) return
    newestAlert.value = alert
    alertBeat.value++
    void refreshOverview()
  })
}

const waiting: Record<Outcome, EventSummary[]> = { allowed: [], refused: [] }
let flushing: ReturnType<typeof setTimeout> | undefined

function flush(): void {
  flushing = undefined
  for (const [outcome, recent] of [
    ['allowed', recentAllowed],
    ['refused', recentRefused],
  ] as const) {
    if (waiting[outcome].length === 0) continue
    recent.value = [...waiting[outcome], ...recent.value].slice(0, KEPT_EVENTS)
    waiting[outcome] = []
  }
}

function read<T>(message: Event): T | undefined {
  try {
    return JSON.parse((message as MessageEvent<string>).data) as T
  } catch {
    return undefined
  }
}
