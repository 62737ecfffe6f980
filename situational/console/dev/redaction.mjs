/** Redaction of the imitation gateway: a handful of shapes, enough to see the page at work. Nothing here is the engine's. */
import { Refused } from './tools.mjs'

const stars = (n) => '*'.repeat(n)
/** Kind, what it looks like (the value is the last group), and what becomes of it at a level. */
const SHAPES = [
  [
    'resident_id',
    /()(?<!\d)(\d{17}[\dXx])(?![\dXx])/g,
    (v, level) => (level >= 3 ? stars(18) : `${v.slice(0, 6)}${stars(8)}${v.slice(14)}`),
  ],
  [
    'bank_card',
    /()(?<!\d)(62\d{14,17})(?!\d)/g,
    (v, level) => (level >= 3 ? stars(v.length) : `${stars(v.length - 4)}${v.slice(-4)}`),
  ],
  [
    'mobile',
    /()(?<!\d)(1[3-9]\d{9})(?!\d)/g,
    (v, level) => (level >= 4 ? stars(11) : `${v.slice(0, 3)}****${v.slice(7)}`),
  ],
  ['email', /()([\w.+-]+@[\w-]+(?:\.[\w-]+)+)/g, (v, level) => (level >= 3 ? '***' : v.replace(/^(.)[^@]*/, '$1***'))],
  [
    'name',
    /("(?:name|姓名)"\s*:\s*"|姓名[:：]\s*)([\p{Script=Han}]{2,4})/gu,
    (v, level) => (level < 2 ? v : v[0] + stars(level >= 4 ? 2 : v.length - 1)),
  ],
  [
    'address',
    /("(?:address|地址)"\s*:\s*"|地址[:：]\s*)([^"\n]+)/g,
    (v, level) => (level < 2 ? v : `${v.slice(0, 6)}${level >= 4 ? '' : '***'}`),
  ],
]

export function trial({ type, text }) {
  if (text.length > 256 * 1024) throw new Refused(422, 'malformed', 'too large', '正文太大')
  if (type.endsWith('json')) {
    try {
      for (const line of type === 'application/json' ? [text] : text.split('\n').filter((one) => one.trim() !== ''))
        JSON.parse(line)
    } catch (error) {
      throw new Refused(422, 'body-unreadable', 'the body cannot be read', '正文无法读取', {
        detail: `the body is no ${type}: ${error.message}`,
        detail_zh: `正文不是有效的 ${type}：${error.message}`,
      })
    }
  }
  const level = (n) => {
    const counts = {}
    const masked = {}
    const redacted = SHAPES.reduce(
      (body, [kind, shape, mask]) =>
        body.replace(shape, (_, before, value) => {
          const hidden = mask(value, n)
          counts[kind] = (counts[kind] ?? 0) + 1
          if (hidden !== value) masked[kind] = (masked[kind] ?? 0) + 1
          return before + hidden
        }),
      text,
    )
    return { level: `L${n}`, text: redacted, counts, masked }
  }
  return { levels: [1, 2, 3, 4].map(level) }
}

const HOUR = 3_600_000
const seen = (portal, path, field, kind, times, hours, redacted = 'L2') => ({
  portal,
  path,
  field,
  kind,
  seen: times,
  first_ms: Date.now() - 72 * HOUR,
  last_ms: Date.now() - Math.round(hours * HOUR),
  redacted,
})
export const fields = [
  seen('hr', '/api/v1/people/{}', '$.name', 'name', 18_204, 0.01),
  seen('hr', '/api/v1/people/{}', '$.phone', 'mobile', 18_198, 0.01),
  seen('hr', '/api/v1/people/{}', '$.id_no', 'resident_id', 17_950, 0.01),
  seen('hr', '/api/v1/people/{}/salary', '$.account', 'bank_card', 212, 2, 'L1'),
  seen('portal', '/办事/{}', 'td[3]', 'mobile', 940, 0.2),
  seen('portal', '/search', 'p', 'address', 31, 9, null),
  seen('exchange', '/api/v1/enterprises/{}', '$.data[].credit_code', 'credit_code', 6_022, 0.1),
  seen('exchange', '/api/v1/enterprises/{}', '$.data[].legal_person.name', 'name', 6_020, 0.1),
  seen('exchange', '/api/v1/export', 'column 4', 'tax_number', 88, 30, 'L3'),
  seen('sensors', '/v1/points', '$.points[].gps', 'coordinates', 120_411, 0.001, null),
  seen('sensors', '/v1/devices', '$[].mac', 'mac', 77, 5),
]

const reasoned = ({ reason }) => {
  if (!reason) throw new Refused(422, 'malformed', 'a reason is needed', '需要理由')
}

/** The imitation's cipher turns digits round; a value of letters was never encrypted by it. */
export function reveal(body) {
  reasoned(body)
  if (/\D/.test(body.value)) {
    throw new Refused(422, 'malformed', 'not encrypted', '不是加密值', {
      detail: `\`value\` is no encrypted ${body.kind}`,
      detail_zh: 'value 不是这一种类的加密值',
    })
  }
  return { kind: body.kind, value: [...body.value].reverse().join('') }
}

/** A name of sixteen letters, the same for the same value. */
export function person(body) {
  reasoned(body)
  const digest = [...`${body.kind} ${body.value}`].reduce((sum, c) => (sum * 31 + c.codePointAt(0)) >>> 0, 7)
  return { person: Array.from({ length: 16 }, (_, i) => 'abcdefghijklmnop'[(digest >>> i) & 15]).join('') }
}
