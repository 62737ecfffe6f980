import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { codes } from '../src/i18n'
import { en } from '../src/i18n/en'
import { zh } from '../src/i18n/zh'

const HERE = dirname(fileURLToPath(import.meta.url))
const KEYS = Object.keys(zh) as (keyof typeof zh)[]

test('every key has words in both languages', () => {
  expect(Object.keys(en).sort()).toEqual([...KEYS].sort())
  for (const key of KEYS) {
    expect(zh[key].trim(), key).not.toBe('')
    expect(en[key].trim(), key).not.toBe('')
  }
})

test('both languages leave the same blanks to fill', () => {
  const blanks = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort()
  for (const key of KEYS) expect(blanks(en[key]), key).toEqual(blanks(zh[key]))
})

test('English is English and Chinese is Chinese', () => {
  const han = /\p{Script=Han}/u
  const same = new Set(['language.other'])
  for (const key of KEYS) if (!same.has(key)) expect(han.test(en[key]), key).toBe(false)
  // Words that are the same in both.
  const plain = KEYS.filter((key) => !han.test(zh[key]))
  expect(plain).toEqual(
    ['list.or', 'list.colon', 'language.other', 'list.and', 'list.then'].filter(
      (key) => !han.test(zh[key as keyof typeof zh]),
    ),
  )
})

test('no words are kept that nothing says', () => {
  const source = files(join(HERE, '../src'))
    .filter((path) => !path.includes('/i18n/zh') && !path.includes('/i18n/en'))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n')
  // Keys that are put together: t(`role.${…}`), code('reason', …).
  const prefixes = [...source.matchAll(/(?:t\(`|code\(')([\w.]+?)(?:\.\$\{|',)/g)].map((match) => `${match[1]}.`)
  const unsaid = KEYS.filter(
    (key) => !source.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)),
  )
  expect(unsaid).toEqual([])
})

test('every reason to refuse that the gateway can give has words', () => {
  const path = join(HERE, '../../../gateway/src/refusal.rs')
  if (!existsSync(path)) {
    console.log('skipped: the gateway is not beside the console')
    return
  }
  const body = /fn reason\(&self\)[\s\S]*?\n {4}\}/.exec(readFileSync(path, 'utf8'))?.[0] ?? ''
  const reasons = [...body.matchAll(/=> "([a-z-]+)"/g)].map((match) => match[1])
  expect(reasons.length).toBeGreaterThan(20)
  expect(codes('reason')).toEqual(expect.arrayContaining(reasons))
})

test('every kind of finding that a check of the policy makes is explained', () => {
  const path = join(HERE, '../../../policy/src/analysis/lint.rs')
  if (!existsSync(path)) {
    console.log('skipped: the policy is not beside the console')
    return
  }
  const source = readFileSync(path, 'utf8')
  const kinds = [...source.matchAll(/(?:code: |self\s*\.report\(\s*row,\s*)"([a-z-]+)"/g)].map((match) => match[1])
  expect(new Set(kinds).size).toBe(9)
  for (const prefix of ['lintCode', 'lintText', 'lintHelp'])
    expect(codes(prefix).sort()).toEqual([...new Set(kinds)].sort())
})

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? files(path) : [path]
  })
}
