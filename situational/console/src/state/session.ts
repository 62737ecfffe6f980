import { ref } from 'vue'
import { ApiError, useCsrf, whenSignedOut } from '../api/client'
import { api } from '../api/endpoints'
import type { Session } from '../api/types'
import { t } from '../i18n'
import { may, whoMay, type Deed } from './may'

/** Who is signed in; undefined when nobody is. */
export const session = ref<Session>()
/** Whether the gateway ended the session, rather than the person. */
export const ended = ref(false)

function begin(found: Session): void {
  session.value = { ...found, permissions: found.permissions ?? [] }
  ended.value = false
  useCsrf(found.csrf)
}

function forget(): void {
  session.value = undefined
  useCsrf('')
}

whenSignedOut(() => {
  ended.value = session.value !== undefined
  forget()
})

export async function resume(): Promise<void> {
  try {
    begin(await api.session())
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    forget()
  }
}

export async function signIn(username: string, password: string): Promise<void> {
  begin(await api.signIn(username, password))
}

/** Ends the session here only once the gateway has ended it, so that a failure is seen. */
export async function signOut(): Promise<void> {
  try {
    await api.signOut()
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 401) throw error
  }
  forget()
}

export function can(deed: Deed): boolean {
  return may(session.value, deed)
}

/** Why the person who is signed in may not do something; undefined when they may. */
export function whyNot(deed: Deed): string | undefined {
  if (can(deed)) return undefined
  const role = session.value?.role
  const others = whoMay(deed).map((name) => t(`role.${name}`))
  return t('may.not', {
    who: others.length > 0 ? others.join(t('list.or')) : t('may.nobody'),
    role: role === undefined ? '' : t(`role.${role}`),
  })
}
