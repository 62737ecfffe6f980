import { createApp, defineComponent, h, nextTick, type Component } from 'vue'
import { afterEach, expect, test, vi } from 'vitest'
import type { Alert, EventSummary, Session } from '../src/api/types'
import DataTable from '../src/components/DataTable.vue'
import EventTable from '../src/components/EventTable.vue'
import GuardedButton from '../src/components/GuardedButton.vue'
import { ordered, type Column } from '../src/components/table'
import { DEED } from '../src/state/may'
import { session } from '../src/state/session'
import { queue } from '../src/state/severity'

let stop: () => void = () => undefined
afterEach(() => {
  stop()
  session.value = undefined
  document.body.replaceChildren()
})

function mount(component: Component, props: Record<string, unknown>, text = ''): HTMLElement {
  const root = document.createElement('div')
  document.body.append(root)
  const app = createApp(defineComponent(() => () => h(component, props, { default: () => text })))
  app.mount(root)
  stop = () => app.unmount()
  return root
}

const person = (role: Session['role']): Session => ({
  user: 'u',
  name: 'u',
  role,
  csrf: '',
  expires_ms: 0,
  permissions: [],
})

const event: EventSummary = {
  index: 7,
  time_ms: 0,
  request_id: 'r',
  decision_id: null,
  zone: 'internet',
  to_zone: null,
  address: '203.0.113.7',
  caller: 'anonymous',
  portal: null,
  method: 'GET',
  host: 'h',
  path: '/<img src=x onerror=alert(1)>\u202e',
  status: 403,
  outcome: 'refused',
  reason: 'attack',
  score: 20,
  redacted: 0,
  duration_us: 5,
}

test('a button the role may not press stays in reach, says why, and does nothing', async () => {
  session.value = person('auditor')
  const act = vi.fn()
  const root = mount(GuardedButton, { deed: DEED.ban, onAct: act }, '封禁')
  const button = root.querySelector('button')
  button?.click()
  await nextTick()
  expect(act).not.toHaveBeenCalled()
  expect(button?.getAttribute('aria-disabled')).toBe('true')
  expect(button?.hasAttribute('disabled')).toBe(false)
  expect(root.textContent).toContain('此项仅限安全管理员；您当前是审计员。')
})

test('the same button acts for the role that may', () => {
  session.value = person('secadmin')
  const act = vi.fn()
  mount(GuardedButton, { deed: DEED.ban, onAct: act }, '封禁').querySelector('button')?.click()
  expect(act).toHaveBeenCalledOnce()
})

test('markup in a request is shown as text', () => {
  const root = mount(EventTable, { events: [event], caption: 'c', opens: true })
  expect(root.querySelector('img')).toBeNull()
  expect(root.textContent).toContain('<img src=x onerror=alert(1)>\\u{202e}')
})

test('a row opens with Enter and its neighbour is reached with an arrow', () => {
  const open = vi.fn()
  const columns: Column<string>[] = [{ key: 'a', title: 'A', width: 10, text: (row) => row }]
  const root = mount(DataTable as Component, {
    columns,
    rows: ['x', 'y'],
    rowKey: (row: string) => row,
    caption: 'c',
    opens: true,
    onOpen: open,
  })
  const rows = [...root.querySelectorAll<HTMLElement>('tr[data-row]')]
  rows[0]?.focus()
  rows[0]?.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }))
  expect(document.activeElement).toBe(rows[1])
  rows[1]?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true }))
  expect(open).toHaveBeenCalledWith('y')
})

test('only one row is in the order of the Tab key', () => {
  const columns: Column<string>[] = [{ key: 'a', title: 'A', width: 10, text: (row) => row }]
  const root = mount(DataTable as Component, {
    columns,
    rows: ['x', 'y', 'z'],
    rowKey: (row: string) => row,
    caption: 'c',
  })
  expect(root.querySelectorAll('tr[data-row][tabindex="0"]')).toHaveLength(1)
})

test('numbers are ordered as numbers and ties stay as they came', () => {
  const columns: Column<[string, number]>[] = [{ key: 'n', title: 'N', width: 1, sort: ([, n]) => n }]
  const rows: [string, number][] = [
    ['a', 10],
    ['b', 9],
    ['c', 10],
  ]
  expect(ordered(rows, columns, { key: 'n', descending: true }).map(([name]) => name)).toEqual(['a', 'c', 'b'])
  expect(ordered(rows, columns, { key: 'unknown', descending: true })).toEqual(rows)
})

test('the worst alert comes first and of two alike the newer', () => {
  const alert = (id: string, severity: Alert['severity'], last_ms: number) => ({ id, severity, last_ms }) as Alert
  const sorted = queue([
    alert('low', 'low', 9),
    alert('old', 'high', 1),
    alert('new', 'high', 2),
    alert('worst', 'critical', 0),
  ])
  expect(sorted.map(({ id }) => id)).toEqual(['worst', 'new', 'old', 'low'])
})
