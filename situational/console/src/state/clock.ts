import { ref } from 'vue'

/** The time by this machine's clock, a second at a time, for ages and remaining times. */
export const now = ref(Date.now())

setInterval(() => {
  now.value = Date.now()
}, 1000)
