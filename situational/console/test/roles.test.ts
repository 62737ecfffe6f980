import { expect, test } from 'vitest'
import { roleCells, roleFaults, roleForm, roleNames } from '../src/policy/role'
import { placeForRole, roleSections } from '../src/policy/roles'
import { beside } from './beside'

const SHIPPED = `[request_definition]
r = sub, dom, src
[policy_definition]
p = sub, dom, src
[role_definition]
g = _, _, _   # member, role, domain
g2 = _, _
[matchers]
m = (p.src == "*" || g2(r.src, p.src)) && \\
    (p.sub == "*" || g(r.sub, p.sub, r.dom))
`

test('columns of a role are read from the model, and named by what the matcher asks', () => {
  expect(roleSections(SHIPPED)).toEqual([
    { name: 'g', arity: 3, asks: ['sub', 'sub', 'dom'] },
    { name: 'g2', arity: 2, asks: ['src', 'src'] },
  ])
})

test('a role that the matcher asks for otherwise has columns without names', () => {
  const model = '[role_definition]\ng = _, _\n; g3 = _, _\n[matchers]\nm = g(lower(r.sub), p.sub)\n'
  expect(roleSections(model)).toEqual([{ name: 'g', arity: 2, asks: [undefined, undefined] }])
  expect(roleSections('[matchers]\nm = r.sub == p.sub\n')).toEqual([])
})

test('the shipped model is read', () => {
  const model = beside('configs/policy/model.conf')
  expect(roleSections(model).map(({ name, arity }) => `${name} ${arity}`)).toEqual(['g 3', 'g2 2'])
})

test('a row is made of the form, and a role needs no prefix to be one', () => {
  const [g, g2] = roleSections(SHIPPED)
  expect(roleCells(roleForm('g', ['u:li', 'clerk', 'hr']), g)).toEqual(['g', 'u:li', 'role:clerk', 'hr'])
  expect(roleCells(roleForm('g', ['u:li', ' svc:x ', 'hr']), g)).toEqual(['g', 'u:li', 'svc:x', 'hr'])
  expect(roleCells(roleForm('g2', ['zone:a', 'gov', 'left over']), g2)).toEqual(['g2', 'zone:a', 'gov'])
})

test('an empty column and an invisible character keep a row from standing', () => {
  expect(roleFaults(['g', 'u:li', '', 'h\u0007r'])).toEqual({ lacks: [1], unseen: [2] })
})

test('a new row goes behind its like', () => {
  const text = 'g, u:a, role:x, hr\ng, u:b, role:y, tax\ng2, zone:a, zone:g\n'
  expect(placeForRole(text, ['g', 'u:c', 'role:x', 'hr'])).toBe(1)
  expect(placeForRole(text, ['g', 'u:c', 'role:z', 'tax'])).toBe(2)
  expect(placeForRole(text, ['g', 'u:c', 'role:z', 'new'])).toBe(2)
  expect(placeForRole(text, ['g2', 'zone:b', 'zone:g'])).toBe(3)
  expect(placeForRole('p, a\n', ['g', 'u', 'r', 'd'])).toBe(1)
})

test('names to choose from are those of the rows and of the rules', () => {
  const [g] = roleSections(SHIPPED)
  const rules = { sub: ['svc:x', 'role:b'], dom: ['tax'] }
  expect(g && roleNames([['u:li', 'role:a', 'hr']], g, rules)).toEqual([
    ['role:a', 'role:b', 'svc:x', 'u:li'],
    ['role:a', 'role:b'],
    ['hr', 'tax'],
  ])
})
