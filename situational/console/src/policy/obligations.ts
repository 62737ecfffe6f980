/** What a rule asks of an answer, as a form; `name:argument` joined by semicolons in a rule. */

export const REDACT = ['L1', 'L2', 'L3', 'L4'] as const
export const RATE = ['bronze', 'silver', 'gold'] as const

export interface Obligations {
  redact: string
  rate: string
  logFull: boolean
  watermark: boolean
  /** Requests a day. */
  quota: number | null
  /** Assurance to ask for, 0 to 4. */
  stepup: number | null
  /** Names, joined by bars. */
  alert: string
  fields: string
  foureyes: string
  /** What this form has no place for, advice included. */
  others: string
}

export function noObligations(): Obligations {
  return {
    redact: '',
    rate: '',
    logFull: false,
    watermark: false,
    quota: null,
    stepup: null,
    alert: '',
    fields: '',
    foureyes: '',
    others: '',
  }
}

export function parseObligations(text: string): Obligations {
  const found = noObligations()
  const others = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '' && !take(found, part))
  found.others = others.join(';')
  return found
}

function take(into: Obligations, part: string): boolean {
  const colon = part.indexOf(':')
  const [name, argument] = [part.slice(0, colon), part.slice(colon + 1)]
  const number = /^\d{1,10}$/.test(argument) ? Number(argument) : null
  const text = (key: 'redact' | 'rate' | 'alert' | 'fields' | 'foureyes', known?: readonly string[]): boolean => {
    if (into[key] !== '' || argument === '' || known?.includes(argument) === false) return false
    into[key] = argument
    return true
  }
  switch (name) {
    case 'redact':
      return text('redact', REDACT)
    case 'rate':
      return text('rate', RATE)
    case 'alert':
    case 'fields':
    case 'foureyes':
      return text(name)
    case 'log':
      if (argument !== 'full' || into.logFull) return false
      return (into.logFull = true)
    case 'watermark':
      if (argument !== 'on' || into.watermark) return false
      return (into.watermark = true)
    case 'quota':
    case 'stepup':
      if (number === null || into[name] !== null || (name === 'stepup' && number > 4)) return false
      into[name] = number
      return true
    default:
      return false
  }
}

/** The column's text. A rule that denies can only ask for what the record needs: the gateway refuses the rest. */
export function printObligations(known: Obligations, effect: string): string {
  const allows = effect !== 'deny'
  const names = (name: string, list: string): string => {
    const joined = list
      .split(/[|,;，、；\s]+/)
      .filter((one) => one !== '')
      .join('|')
    return joined === '' ? '' : `${name}:${joined}`
  }
  return [
    allows && known.redact !== '' ? `redact:${known.redact}` : '',
    known.logFull ? 'log:full' : '',
    allows && known.rate !== '' ? `rate:${known.rate}` : '',
    allows && known.watermark ? 'watermark:on' : '',
    allows && known.quota !== null ? `quota:${known.quota}` : '',
    allows ? names('fields', known.fields) : '',
    allows ? names('foureyes', known.foureyes) : '',
    allows && known.stepup !== null ? `stepup:${known.stepup}` : '',
    names('alert', known.alert),
    known.others.trim(),
  ]
    .filter((part) => part !== '')
    .join(';')
}
