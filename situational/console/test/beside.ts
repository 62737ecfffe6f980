import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A file of the repository that the console is part of. */
export function beside(path: string): string {
  return readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../..', path), 'utf8')
}
