/** Numbers and times as people read them. Times are in the browser's zone. */

const two = (n: number): string => String(n).padStart(2, '0')

/** `2026-11-22 03:04:05`, the same in both languages so that it can be searched for. */
export function dateTime(ms: number): string {
  const d = new Date(ms)
  if (Number.isNaN(d.getTime())) return '–'
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${clockTime(ms)}`
}

/** `11-22 03:04:05`, for rows. */
export function rowTime(ms: number): string {
  return dateTime(ms).slice(5)
}

export function clockTime(ms: number): string {
  const d = new Date(ms)
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`
}

/** With milliseconds and the offset, for copying into a report. */
export function exactTime(ms: number): string {
  const d = new Date(ms)
  if (Number.isNaN(d.getTime())) return '–'
  return `${dateTime(ms)}.${String(d.getMilliseconds()).padStart(3, '0')} ${offset(d)}`
}

/** `UTC+08:00`. */
export function offset(d: Date): string {
  const minutes = -d.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `UTC${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`
}

/** A length of time in its largest sensible unit: `3 分钟`, `2 hr`. */
export function span(ms: number, language: string): string {
  const [value, unit] = inUnit(Math.abs(ms))
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(value)
}

/** `3 分钟前`, `in 2 hr.` */
export function relative(ms: number, nowMs: number, language: string): string {
  const [value, unit] = inUnit(Math.abs(ms - nowMs))
  const sign = ms > nowMs ? 1 : -1
  return new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' }).format(sign * value, unit)
}

function inUnit(ms: number): [number, 'second' | 'minute' | 'hour' | 'day'] {
  const seconds = Math.round(ms / 1000)
  if (seconds < 60) return [seconds, 'second']
  if (seconds < 3600) return [Math.round(seconds / 60), 'minute']
  if (seconds < 48 * 3600) return [Math.round(seconds / 3600), 'hour']
  return [Math.round(seconds / 86_400), 'day']
}

export function count(n: number, language: string): string {
  return new Intl.NumberFormat(language).format(n)
}

/** Requests a second: a decimal while it tells something. */
export function rate(n: number, language: string): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: n < 10 ? 1 : 0 }).format(n)
}

/** A duration that arrives in microseconds. */
export function micros(us: number): string {
  if (us < 1000) return `${us} µs`
  if (us < 1_000_000) return `${trim(us / 1000)} ms`
  return `${trim(us / 1_000_000)} s`
}

/** A share; a dash when there is nothing to share. */
export function percent(part: number, whole: number, language: string): string {
  if (whole <= 0) return '–'
  const share = part / whole
  // A share that is there is not shown as none.
  const digits = share > 0 && share < 0.0005 ? { maximumSignificantDigits: 1 } : { maximumFractionDigits: 1 }
  return new Intl.NumberFormat(language, { style: 'percent', ...digits }).format(share)
}

/**
 * Text from a request with what cannot be seen made visible: control characters, and those that
 * turn the direction of writing and so could make one path look like another.
 */
export function visible(text: string): string {
  return text.replace(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`)
}

const HIDDEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}]/gu

function trim(n: number): string {
  return n >= 100 ? String(Math.round(n)) : n.toFixed(1)
}
