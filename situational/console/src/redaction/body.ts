/** The body that is tried: the formats that the gateway reads, and how much of one it takes. */

export const TYPES = [
  { name: 'json', type: 'application/json' },
  { name: 'ndjson', type: 'application/x-ndjson' },
  { name: 'text', type: 'text/plain' },
  { name: 'html', type: 'text/html' },
  { name: 'xml', type: 'application/xml' },
  { name: 'csv', type: 'text/csv' },
  { name: 'form', type: 'application/x-www-form-urlencoded' },
  { name: 'events', type: 'text/event-stream' },
] as const
export type BodyType = (typeof TYPES)[number]['type']

/** Bytes that the gateway takes. */
export const MOST = 256 * 1024

export function bytes(text: string): number {
  return new TextEncoder().encode(text).length
}

/** The format that a text looks like, to spare a choice; undefined where it could be several. */
export function guess(text: string): BodyType | undefined {
  const start = text.trimStart()
  if (start.startsWith('{') || start.startsWith('[')) {
    const lines = text.split('\n').filter((line) => line.trim() !== '')
    if (isJson(text)) return 'application/json'
    return lines.length > 1 && lines.slice(0, 20).every(isJson) ? 'application/x-ndjson' : undefined
  }
  if (/^<!doctype html|^<html/i.test(start)) return 'text/html'
  if (start.startsWith('<?xml')) return 'application/xml'
  if (/^(data|event|id|retry):/.test(start)) return 'text/event-stream'
  return /^[\w.%+-]+=[^\s&]*(&[\w.%+-]+=[^\s&]*)+$/.test(text.trim()) ? 'application/x-www-form-urlencoded' : undefined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Invented people, to see what the levels do before anything real is pasted. */
export const EXAMPLE = `{
  "data": [
    {
      "name": "张伟",
      "phone": "13800138000",
      "id_no": "11010519491231002X",
      "email": "zhang.wei@example.com",
      "bank_card": "6222020200112233446",
      "address": "北京市朝阳区建国路 88 号",
      "note": "回访电话 13912345678"
    }
  ],
  "order": "20261122000138",
  "total": 1
}
`
