import { computed, ref, watchEffect } from 'vue'
import type { Words } from '../api/types'
import { keep, keptLanguage } from '../state/preferences'
import { en } from './en'
import { zh } from './zh'

export type Language = 'zh-CN' | 'en-US'
export type Key = keyof typeof zh

export const language = ref<Language>(keptLanguage() === 'en-US' ? 'en-US' : 'zh-CN')

const words = computed<Record<Key, string>>(() => (language.value === 'zh-CN' ? zh : en))

watchEffect(() => {
  document.documentElement.lang = language.value
  keep('language', language.value)
})

export function t(key: Key, fill: Record<string, string | number> = {}): string {
  return words.value[key].replace(/\{(\w+)\}/g, (whole, name: string) => (name in fill ? String(fill[name]) : whole))
}

/** The text for a code the gateway sends, or the code itself where this console knows none. */
export function code(prefix: string, value: string): string {
  const key = `${prefix}.${value}`
  return key in words.value ? words.value[key as Key] : value
}

/** The codes under a prefix that this console has words for. */
export function codes(prefix: string): string[] {
  return Object.keys(zh).flatMap((key) => (key.startsWith(`${prefix}.`) ? [key.slice(prefix.length + 1)] : []))
}

/** Text that the gateway sends in both languages. */
export function pick(text: Words): string {
  const [first, second] = language.value === 'zh-CN' ? [text.zh, text.en] : [text.en, text.zh]
  return first || second
}

export function switchLanguage(): void {
  language.value = language.value === 'zh-CN' ? 'en-US' : 'zh-CN'
}
