import { afterEach, expect, test } from 'vitest'
import { language } from '../src/i18n'
import { told } from '../src/told'

afterEach(() => {
  language.value = 'zh-CN'
})

const mistake = { message: 'empty field', message_zh: '字段为空', help: 'name a role', help_zh: '请写明角色' }

test('a mistake is told in the language of the console', () => {
  expect(told(mistake)).toBe('字段为空；请写明角色')
  language.value = 'en-US'
  expect(told(mistake)).toBe('empty field; name a role')
})

test('a mistake without a remedy is told alone', () => {
  expect(told({ message: 'no', message_zh: '不行' })).toBe('不行')
  expect(told({ ...mistake, help: '', help_zh: '' })).toBe('字段为空')
})
