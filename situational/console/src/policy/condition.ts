/** The condition of a rule as a form: the usual parts by name, and whatever else there is as text. */

export interface Conditions {
  /** Assurance at least, 0 to 4. */
  assurance: number | null
  certificate: boolean
  riskBelow: number | null
  riskFrom: number | null
  /** Trust in the device at least, 0 to 100. */
  deviceFrom: number | null
  /** `HH:MM`; empty for none. The end is not included, and may lie after midnight. */
  from: string
  until: string
  /** 1 is Monday, 7 is Sunday; the last day is included, and may lie in the next week. */
  firstDay: number | null
  lastDay: number | null
  free: string
}

export function noConditions(): Conditions {
  return {
    assurance: null,
    certificate: false,
    riskBelow: null,
    riskFrom: null,
    deviceFrom: null,
    from: '',
    until: '',
    firstDay: null,
    lastDay: null,
    free: '',
  }
}

export function parseCondition(text: string): Conditions {
  const found = noConditions()
  const parts = topLevel(text, '||').length > 1 ? [text.trim()] : topLevel(text, '&&')
  const free = parts.filter((part) => part !== 'true' && !take(found, part))
  found.free = free.join(' && ')
  return found
}

export function printCondition(known: Conditions): string {
  const { assurance, riskBelow, riskFrom, deviceFrom, firstDay, lastDay } = known
  const free = known.free.trim()
  const parts = [
    assurance === null ? '' : `r.ctx.aal >= ${assurance}`,
    known.certificate ? 'r.ctx.cert' : '',
    riskFrom === null ? '' : `r.ctx.risk >= ${riskFrom}`,
    riskBelow === null ? '' : `r.ctx.risk < ${riskBelow}`,
    deviceFrom === null ? '' : `r.ctx.dev >= ${deviceFrom}`,
    range('r.ctx.min', minutes(known.from), '<', minutes(known.until) || null),
    range('r.ctx.dow', firstDay, '<=', lastDay),
  ].filter((part) => part !== '')
  // What joins by `or` would otherwise let go of everything beside it.
  if (free !== '') parts.push(parts.length > 0 && topLevel(free, '||').length > 1 ? `(${free})` : free)
  return parts.length === 0 ? 'true' : parts.join(' && ')
}

/** From one value to another; past the end of the day or the week it goes on at the beginning. */
function range(name: string, from: number | null, sign: '<' | '<=', to: number | null): string {
  const first = from === null || (from === 0 && sign === '<') ? '' : `${name} >= ${from}`
  const last = to === null ? '' : `${name} ${sign} ${to}`
  if (first === '' || last === '') return first + last
  return (from ?? 0) > (to ?? 0) ? `(${first} || ${last})` : `${first} && ${last}`
}

/** Whether a part is one of the usual ones and its place in the form is still free. */
function take(into: Conditions, part: string): boolean {
  if (part === 'r.ctx.cert' && !into.certificate) {
    into.certificate = true
    return true
  }
  const around = /^\(r\.ctx\.(min|dow) >= (\d+) \|\| r\.ctx\.\1 (<=?) (\d+)\)$/.exec(part)
  if (around !== null) {
    const [, name, from, sign, to] = around
    const trial = { ...into }
    const whole = take(trial, `r.ctx.${name} >= ${from}`) && take(trial, `r.ctx.${name} ${sign} ${to}`)
    if (whole && Number(from) > Number(to)) Object.assign(into, trial)
    return whole && Number(from) > Number(to)
  }
  const simple = /^r\.ctx\.(\w+) (>=|<=|<) (\d{1,4})$/.exec(part)
  if (simple === null) return false
  const value = Number(simple[3])
  const set = <K extends keyof Conditions>(key: K, to: Conditions[K], free: boolean, fits: boolean): boolean => {
    if (!free || !fits) return false
    into[key] = to
    return true
  }
  switch (`${simple[1]} ${simple[2]}`) {
    case 'aal >=':
      return set('assurance', value, into.assurance === null, value <= 4)
    case 'risk <':
      return set('riskBelow', value, into.riskBelow === null, value <= 100)
    case 'risk >=':
      return set('riskFrom', value, into.riskFrom === null, value <= 100)
    case 'dev >=':
      return set('deviceFrom', value, into.deviceFrom === null, value <= 100)
    case 'min >=':
      return set('from', clock(value), into.from === '', value > 0 && value < DAY)
    case 'min <':
      return set('until', clock(value), into.until === '', value > 0 && value < DAY)
    case 'dow >=':
      return set('firstDay', value, into.firstDay === null, value >= 1 && value <= 7)
    case 'dow <=':
      return set('lastDay', value, into.lastDay === null, value >= 1 && value <= 7)
    default:
      return false
  }
}

const DAY = 24 * 60

function clock(minute: number): string {
  return `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`
}

/** Minutes since midnight of `HH:MM`; null for anything else. */
export function minutes(time: string): number | null {
  const found = /^(\d{2}):(\d{2})/.exec(time)
  if (found === null) return null
  const minute = Number(found[1]) * 60 + Number(found[2])
  return minute < DAY ? minute : null
}

/** The parts that an operator joins outside brackets and quotes. */
export function topLevel(text: string, operator: '&&' | '||'): string[] {
  const parts: string[] = []
  let depth = 0
  let quote = ''
  let start = 0
  for (let i = 0; i < text.length; i++) {
    const c = text[i] ?? ''
    if (quote !== '') {
      if (c === quote) quote = ''
    } else if (c === '"' || c === "'") quote = c
    else if (c === '(') depth++
    else if (c === ')') depth--
    else if (depth === 0 && text.startsWith(operator, i)) {
      parts.push(text.slice(start, i))
      start = i + 2
      i++
    }
  }
  return [...parts, text.slice(start)].map((part) => part.trim()).filter((part) => part !== '')
}
