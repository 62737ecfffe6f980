import { expect, test } from 'vitest'
import type { Overview } from '../src/api/types'
import { BUCKET_MS, Traffic, WINDOW_MS } from '../src/state/traffic'

const START = 1_800_000_000_000

function snapshot(now: number, series: Overview['series']): Overview {
  return {
    now_ms: now,
    uptime_s: 1,
    version: '0',
    revision: 1,
    zones: [{ name: 'internet', listeners: [], connections: 0, requests_total: 0, refused_total: 0 }],
    series,
    alerts_open: 0,
    bans_active: 0,
    upstreams: [],
    audit: { size: 0, health: 'running', checkpoint_size: 0, checkpoint_time_ms: 0 },
  }
}
const tick = (t: number, allowed: number, refused = 0) => ({
  t_ms: t,
  zones: [{ name: 'internet', allowed, refused }],
  connections: 1,
})

test('a window without data is drawn as zero and not as nothing', () => {
  const traffic = new Traffic()
  traffic.reset(snapshot(START + 9_000, []))
  const line = traffic.line('internet')
  expect(line.times).toHaveLength(WINDOW_MS / BUCKET_MS)
  expect(new Set(line.allowed)).toEqual(new Set([0]))
})

test('nothing is drawn before the first snapshot', () => {
  expect(new Traffic().line('internet').times).toEqual([])
  expect(new Traffic().rate('internet')).toEqual({ allowed: 0, refused: 0 })
})

test('a tick that the snapshot already counted is not counted twice', () => {
  const traffic = new Traffic()
  traffic.reset(snapshot(START + 5_000, [{ t_ms: START, zone: 'internet', allowed: 50, refused: 0 }]))
  traffic.add(tick(START + 5_000, 1000))
  traffic.add(tick(START + 4_000, 1000))
  expect(traffic.line('internet').allowed.at(-1)).toBe(10)
})

test('the newest bucket is divided by the part of it that has passed', () => {
  const traffic = new Traffic()
  traffic.reset(snapshot(START, []))
  for (let s = 1; s <= 5; s++) traffic.add(tick(START + s * 1000, 20, 2))
  expect(traffic.line('internet').allowed.at(-1)).toBe(20)
  expect(traffic.line('internet').refused.at(-1)).toBe(2)
})

test('a bucket too young to say a rate is not drawn', () => {
  const traffic = new Traffic()
  traffic.reset(snapshot(START + 500, [{ t_ms: START, zone: 'internet', allowed: 3, refused: 0 }]))
  expect(traffic.line('internet').times.at(-1)).toBe((START - BUCKET_MS) / 1000)
})

test('a zone the snapshot did not name appears once traffic comes from it', () => {
  const traffic = new Traffic()
  traffic.reset(snapshot(START, []))
  traffic.add({ t_ms: START + 4_000, zones: [{ name: 'new', allowed: 8, refused: 0 }], connections: 1 })
  expect(traffic.names()).toEqual(['internet', 'new'])
  expect(traffic.line('new').allowed.at(-1)).toBe(2)
})

test('a day of ticks keeps no more than the window', () => {
  const traffic = new Traffic()
  traffic.reset(snapshot(START, []))
  for (let s = 1; s <= 86_400; s++) traffic.add(tick(START + s * 1000, 1))
  const line = traffic.line('internet')
  expect(line.times.length).toBeLessThanOrEqual(WINDOW_MS / BUCKET_MS)
  expect(line.allowed.at(-2)).toBe(1)
})
