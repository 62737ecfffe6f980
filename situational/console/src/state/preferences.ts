/** What a person chose about the console itself, kept in this browser only. */
import { ref, watchEffect } from 'vue'

export type Theme = 'dark' | 'light'

function read(key: string): string | null {
  try {
    return localStorage.getItem(`hangu.${key}`)
  } catch {
    return null
  }
}

export function keep(key: string, value: string): void {
  try {
    localStorage.setItem(`hangu.${key}`, value)
  } catch {
    // Storage can be switched off; the choice then lasts as long as the page.
  }
}

function firstTheme(): Theme {
  const kept = read('theme')
  if (kept === 'dark' || kept === 'light') return kept
  return window.matchMedia?.('(prefers-color-scheme: light)').matches ? 'light' : 'dark'
}

export const theme = ref<Theme>(firstTheme())
/** Whether single keys act; people who dictate or have tremors switch them off. */
export const keysOn = ref(read('keys') !== 'off')

watchEffect(() => {
  document.documentElement.classList.toggle('dark', theme.value === 'dark')
  document.documentElement.style.colorScheme = theme.value
  keep('theme', theme.value)
})
watchEffect(() => keep('keys', keysOn.value ? 'on' : 'off'))

export function keptLanguage(): string | null {
  return read('language')
}

export function switchTheme(): void {
  theme.value = theme.value === 'dark' ? 'light' : 'dark'
}
