import { code, t } from '../../i18n'
import type { RoleSection } from '../../policy/roles'

/** What a column of a role's row is called, by what the matcher compares it with. */
export function roleColumn(section: RoleSection | undefined, column: number): string {
  const field = section?.asks[column]
  if (column === 2) return field === undefined ? t('roles.domain') : code('request.field', field)
  if (field === undefined) return column === 0 ? t('policy.member') : t('policy.group')
  if (field === 'sub' && column === 1) return t('rule.role')
  return t(column === 0 ? 'roles.memberOf' : 'roles.groupOf', { what: code('request.field', field) })
}
