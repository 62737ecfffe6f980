import { visible } from '../format'

/** Text of a body as it is laid out, with every other character that cannot be seen made visible. */
export function legible(text: string): string {
  return text.replace(/[^\n\t]+/g, (run) => visible(run.replace(/\r$/, '')))
}
