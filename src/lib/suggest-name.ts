// Ends of messages: which names there are, and which one was probably meant.

const shownLimit = 8

/** `did you mean eu?`, else `expected one of: eu, us`, or `there is no pool`. */
export function suggestName(what: string, names: Iterable<string>, word: string): string {
  const all = [...names].sort()
  const meant = nearest(word, all)
  if (meant) return `did you mean ${meant}?`
  if (all.length === 0) return `there is no ${what}`
  const shown = all.slice(0, shownLimit).join(', ')
  return `expected one of: ${shown}${all.length > shownLimit ? ', …' : ''}`
}

/** The known word at most two slips away from `word`, if there is one nearest. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > 64) return null
  const limit = word.length < 4 ? 1 : 2
  let best: string | null = null
  let fewest = limit + 1
  for (const name of known) {
    const slips = countSlips(word.toLowerCase(), name.toLowerCase())
    if (slips > Math.min(fewest, limit)) continue
    best = slips === fewest ? null : name
    fewest = slips
  }
  return best
}

/** Letters put in, left out, replaced or swapped with their neighbour (optimal string alignment). */
function countSlips(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : Infinity
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, change, swap))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}
