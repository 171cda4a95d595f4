// Suggestions for a name that an operator wrote and that does not exist: the most similar known name, or a list.

/** The most names that a message lists. */
const shownLimit = 8

/**
 * The end of an error message about `word`: `did you mean eu?`, else `expected one of: eu, us`, or `there is no pool`
 * where `what` is "pool" and there are no names.
 */
export function suggestName(what: string, names: Iterable<string>, word: string): string {
  const all = [...names].sort()
  const label = word.split('.', 1).join()
  const suggestion = nearest(word, all) ?? all.find((name) => name === label)
  if (suggestion) return `did you mean ${suggestion}?`
  if (all.length === 0) return `there is no ${what}`
  const shown = all.slice(0, shownLimit).join(', ')
  return `expected one of: ${shown}${all.length > shownLimit ? ', …' : ''}`
}

/** The one known word with the fewest edits from `word`: two at most, one for words below 4 characters; else null. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > 64) return null
  const limit = word.length < 4 ? 1 : 2
  let best: string | null = null
  let fewest = limit + 1
  for (const name of known) {
    const edits = countEdits(word.toLowerCase(), name.toLowerCase())
    if (edits > Math.min(fewest, limit)) continue
    best = edits === fewest ? null : name
    fewest = edits
  }
  return best
}

/** Insertions, deletions, replacements and swaps of neighbouring letters from `a` to `b` (optimal string alignment). */
function countEdits(a: string, b: string): number {
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
