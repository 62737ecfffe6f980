import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { nextTick } from 'vue'

class Stream extends EventTarget {
  static readonly CLOSED = 2
  static last: Stream | undefined
  readyState = 1
  constructor(readonly address: string) {
    super()
    Stream.last = this
  }
  close(): void {
    this.readyState = Stream.CLOSED
  }
  say(event: string, data: unknown): void {
    this.dispatchEvent(new MessageEvent(event, { data: typeof data === 'string' ? data : JSON.stringify(data) }))
  }
}

async function begin(role: 'secadmin' | 'auditor', permissions: string[] = []) {
  vi.resetModules()
  vi.stubGlobal('EventSource', Stream)
  vi.stubGlobal(
    'fetch',
    vi.fn(async () => {
      throw new TypeError('down')
    }),
  )
  const { session } = await import('../src/state/session')
  const live = await import('../src/state/live')
  session.value = { user: 'u', name: 'u', role, csrf: '', expires_ms: 0, permissions }
  live.startLive()
  return live
}

beforeEach(() => {
  vi.useFakeTimers()
  Stream.last = undefined
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const tick = (t: number) => ({ t_ms: t, zones: [], connections: 3 })

test('five seconds of silence make the picture old, and one word makes it live again', async () => {
  const live = await begin('secadmin')
  expect(live.freshness.value).toBe('starting')
  Stream.last?.say('traffic', tick(1))
  expect(live.freshness.value).toBe('live')
  await vi.advanceTimersByTimeAsync(7_000)
  expect(live.freshness.value).toBe('stale')
  Stream.last?.say('traffic', tick(2))
  await nextTick()
  expect(live.freshness.value).toBe('live')
  live.stopLive()
})

test('a stream that never says a word does not pass for live', async () => {
  const live = await begin('secadmin')
  await vi.advanceTimersByTimeAsync(7_000)
  expect(live.freshness.value).toBe('stale')
  live.stopLive()
})

test('a stream that the gateway closed is opened again', async () => {
  const live = await begin('secadmin')
  const first = Stream.last
  first?.close()
  await vi.advanceTimersByTimeAsync(6_000)
  expect(Stream.last).not.toBe(first)
  live.stopLive()
})

test('a message that is not JSON is passed over', async () => {
  const live = await begin('secadmin')
  Stream.last?.say('event', '{broken')
  Stream.last?.say('event', { index: 2, outcome: 'unheard of' })
  Stream.last?.say('event', { index: 1, outcome: 'refused' })
  await vi.advanceTimersByTimeAsync(600)
  expect(live.recentRefused.value).toEqual([{ index: 1, outcome: 'refused' }])
  expect(live.recentAllowed.value).toEqual([])
  live.stopLive()
})

test('a flood keeps only the newest and hides no refusal', async () => {
  const live = await begin('secadmin')
  for (let index = 0; index < 5_000; index++)
    Stream.last?.say('event', { index, outcome: index === 7 ? 'refused' : 'allowed' })
  await vi.advanceTimersByTimeAsync(600)
  expect(live.recentAllowed.value).toHaveLength(200)
  expect(live.recentAllowed.value[0]).toEqual({ index: 4_999, outcome: 'allowed' })
  expect(live.recentRefused.value).toEqual([{ index: 7, outcome: 'refused' }])
  live.stopLive()
})

test('a role without the stream asks instead, and is told when nothing answers', async () => {
  const live = await begin('auditor', ['GET /admin/situational/overview'])
  expect(Stream.last).toBeUndefined()
  await vi.advanceTimersByTimeAsync(16_000)
  expect(live.freshness.value).toBe('stale')
  expect(live.overviewError.value).toBeDefined()
  live.stopLive()
})
