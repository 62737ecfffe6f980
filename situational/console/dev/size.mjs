/** Fails when what a browser has to fetch grows past its budget. */
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const BUDGET = 600_000
const dist = new URL('../dist/', import.meta.url)
const size = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .reduce((sum, entry) => sum + gzipSync(readFileSync(`${entry.parentPath ?? entry.path}/${entry.name}`)).length, 0)
console.log(`${size} bytes after gzip, of ${BUDGET}`)
process.exit(size <= BUDGET ? 0 : 1)
