import { computed, onBeforeUnmount, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'

/** Something read from the gateway: the last good answer, how old it is, and what went wrong since. */
export interface Resource<T> {
  data: ShallowRef<T | undefined>
  error: ShallowRef<unknown>
  /** When the last good answer came, by this machine's clock; 0 before the first. */
  asOf: Ref<number>
  loading: Ref<boolean>
  /** Whether what is shown is known to be old: the newest attempt failed. */
  stale: ComputedRef<boolean>
  reload: () => Promise<void>
}

/**
 * Reads now and then every so often, while the page is looked at and `when` agrees. A failure keeps
 * the last answer.
 */
export function useResource<T>(
  read: () => Promise<T>,
  everyMs?: number,
  when: () => boolean = () => true,
): Resource<T> {
  const data = shallowRef<T>()
  const error = shallowRef<unknown>()
  const asOf = ref(0)
  const loading = ref(false)
  let turn = 0

  async function reload(): Promise<void> {
    const mine = ++turn
    loading.value = true
    try {
      const found = await read()
      if (mine !== turn) return
      data.value = found
      error.value = undefined
      asOf.value = Date.now()
    } catch (cause) {
      if (mine === turn) error.value = cause
    } finally {
      if (mine === turn) loading.value = false
    }
  }

  void reload()
  if (everyMs !== undefined) {
    const timer = setInterval(() => {
      if (!document.hidden && !loading.value && when()) void reload()
    }, everyMs)
    onBeforeUnmount(() => clearInterval(timer))
  }
  onBeforeUnmount(() => {
    turn++
  })
  return { data, error, asOf, loading, stale: computed(() => error.value !== undefined && asOf.value > 0), reload }
}
