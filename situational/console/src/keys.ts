/** What single keys do outside fields. */
import { ref } from 'vue'
import { switchLanguage } from './i18n'
import { PAGES, router } from './router'
import { keysOn, switchTheme } from './state/preferences'

export const helpOpen = ref(false)

/** How long after `g` a second key still names a page. Chosen. */
const PAIR_MS = 1_500
let wentAt = 0

export function listenForKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (!keysOn.value || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return
    if (typing(event.target)) return
    if (act(event.key)) event.preventDefault()
  })
}

function act(key: string): boolean {
  if (Date.now() - wentAt < PAIR_MS) {
    wentAt = 0
    const page = PAGES.find((one) => one.key === key)
    if (page === undefined) return false
    void router.push({ name: page.name })
    return true
  }
  switch (key) {
    case 'g':
      wentAt = Date.now()
      return true
    case 'j':
      return move(1)
    case 'k':
      return move(-1)
    case '/':
      return focusFilter()
    case 't':
      switchTheme()
      return true
    case 'l':
      switchLanguage()
      return true
    case '?':
      helpOpen.value = true
      return true
    default:
      return false
  }
}

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest('input, textarea, select, [contenteditable], [role="combobox"]') !== null
  )
}

/** The rows in front: those of the topmost drawer if one is open. */
function rows(): HTMLElement[] {
  const layers = [...document.querySelectorAll<HTMLElement>('.el-drawer')].filter(
    (layer) => layer.offsetParent !== null,
  )
  const top = layers.at(-1) ?? document.querySelector('main')
  return [...(top?.querySelectorAll<HTMLElement>('tr[data-row]') ?? [])]
}

function move(by: number): boolean {
  const all = rows()
  const at = all.findIndex((row) => row.contains(document.activeElement))
  const next = at < 0 ? all[0] : all[at + by]
  next?.focus()
  return next !== undefined
}

function focusFilter(): boolean {
  const field = document.querySelector<HTMLElement>('input[data-focus], [data-focus] input')
  field?.focus()
  return field !== null
}
