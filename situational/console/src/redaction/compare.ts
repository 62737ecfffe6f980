/** Where a redacted text differs from the one it came from: both run alike but for the values that were masked. */

export interface Piece {
  text: string
  /** What stood there before; undefined where nothing was changed. */
  was?: string
}

/** Tokens that must agree before two texts are taken for alike again, so that one common digit is not enough. Chosen. */
const AGREE = 3
/** Tokens that are looked ahead for such a place; beyond it the rest counts as changed. Chosen for the square. */
const AHEAD = 400

/** The pieces of `after`, those that were changed with what they were. */
export function pieces(before: string, after: string): Piece[] {
  const was = tokens(before)
  const is = tokens(after)
  const found: Piece[] = []
  let i = 0
  let j = 0
  let from = 0
  while (i < was.length || j < is.length) {
    if (i < was.length && was[i] === is[j]) {
      i++
      j++
      continue
    }
    if (j > from) found.push({ text: is.slice(from, j).join('') })
    const [skip, take] = resume(was, is, i, j)
    found.push({ text: is.slice(j, j + take).join(''), was: was.slice(i, i + skip).join('') })
    i += skip
    j += take
    from = j
  }
  if (j > from) found.push({ text: is.slice(from, j).join('') })
  return found
}

/** Words and numbers whole, with the stars and marks that masks leave in them; everything else one by one. */
function tokens(text: string): string[] {
  return text.match(/[\p{L}\p{N}\p{M}*@_+-]+|\s+|[^\p{L}\p{N}\p{M}*@_+\-\s]/gu) ?? []
}

/** How many tokens of each to pass over until both run alike again: the fewest together. */
function resume(was: string[], is: string[], i: number, j: number): [number, number] {
  for (let both = 1; both <= AHEAD; both++) {
    for (let skip = both; skip >= 0; skip--) {
      const take = both - skip
      if (i + skip <= was.length && j + take <= is.length && alike(was, is, i + skip, j + take)) return [skip, take]
    }
  }
  return [was.length - i, is.length - j]
}

function alike(was: string[], is: string[], i: number, j: number): boolean {
  for (let k = 0; k < AGREE; k++) {
    // Both ending at once is as good as agreeing.
    if (i + k >= was.length || j + k >= is.length) return i + k >= was.length && j + k >= is.length
    if (was[i + k] !== is[j + k]) return false
  }
  return true
}
