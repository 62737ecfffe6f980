/** Ten minutes of traffic by zone, in ten-second buckets: a snapshot, then a second at a time. */
import type { Overview, TrafficTick } from '../api/types'

export const BUCKET_MS = 10_000
export const WINDOW_MS = 600_000
/** A bucket younger than this is too short to say a rate, and is not drawn yet. Chosen. */
const SETTLED_MS = 3_000

export interface Bucket {
  allowed: number
  refused: number
}

export interface Line {
  /** Seconds since 1970, ascending, one per bucket. */
  times: number[]
  /** Per second. */
  allowed: number[]
  refused: number[]
}

export class Traffic {
  private readonly zones = new Map<string, Map<number, Bucket>>()
  private lastTick = 0
  private upTo = 0

  /** Starts over from what the gateway has; ticks it already counted are skipped. */
  reset(overview: Overview): void {
    this.zones.clear()
    for (const zone of overview.zones) this.zones.set(zone.name, new Map())
    for (const point of overview.series) {
      const bucket = this.bucket(point.zone, point.t_ms)
      bucket.allowed += point.allowed
      bucket.refused += point.refused
    }
    this.lastTick = overview.now_ms
    this.upTo = Math.max(this.upTo, overview.now_ms)
  }

  add(tick: TrafficTick): void {
    if (tick.t_ms <= this.lastTick) return
    this.lastTick = tick.t_ms
    this.upTo = tick.t_ms
    for (const zone of tick.zones) {
      const bucket = this.bucket(zone.name, tick.t_ms)
      bucket.allowed += zone.allowed
      bucket.refused += zone.refused
    }
    this.forget()
  }

  names(): string[] {
    return [...this.zones.keys()]
  }

  line(zone: string): Line {
    const line: Line = { times: [], allowed: [], refused: [] }
    if (this.upTo === 0) return line
    const buckets = this.zones.get(zone) ?? new Map<number, Bucket>()
    const last = floor(this.upTo)
    for (let t = last - WINDOW_MS + BUCKET_MS; t <= last; t += BUCKET_MS) {
      if (this.upTo - t < SETTLED_MS) break
      const bucket = buckets.get(t) ?? { allowed: 0, refused: 0 }
      // The newest bucket is still filling: divide by the part of it that has passed.
      const seconds = Math.min(BUCKET_MS, this.upTo - t) / 1000
      line.times.push(t / 1000)
      line.allowed.push(bucket.allowed / seconds)
      line.refused.push(bucket.refused / seconds)
    }
    return line
  }

  /** Requests a second over the newest two buckets, which is steady enough to read. */
  rate(zone: string): Bucket {
    const buckets = this.zones.get(zone)
    if (buckets === undefined || this.upTo === 0) return { allowed: 0, refused: 0 }
    const last = floor(this.upTo)
    const seconds = Math.max(1, (this.upTo - last + BUCKET_MS) / 1000)
    const sum = { allowed: 0, refused: 0 }
    for (const t of [last - BUCKET_MS, last]) {
      const bucket = buckets.get(t)
      sum.allowed += bucket?.allowed ?? 0
      sum.refused += bucket?.refused ?? 0
    }
    return { allowed: sum.allowed / seconds, refused: sum.refused / seconds }
  }

  private bucket(zone: string, t: number): Bucket {
    let buckets = this.zones.get(zone)
    if (buckets === undefined) this.zones.set(zone, (buckets = new Map()))
    const start = floor(t)
    let bucket = buckets.get(start)
    if (bucket === undefined) buckets.set(start, (bucket = { allowed: 0, refused: 0 }))
    return bucket
  }

  private forget(): void {
    const oldest = floor(this.upTo) - WINDOW_MS
    for (const buckets of this.zones.values()) {
      for (const t of buckets.keys()) if (t < oldest) buckets.delete(t)
    }
  }
}

function floor(t: number): number {
  return Math.floor(t / BUCKET_MS) * BUCKET_MS
}
