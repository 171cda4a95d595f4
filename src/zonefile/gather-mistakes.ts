// Mistakes in the order that a reader meets them, and no more of them than a reader can use.

import type { Mistake } from './mistake.ts'

const perFile = 100
const inAll = 1000

/** Sorted by file and place; long runs are cut, saying so. */
export function gatherMistakes(mistakes: readonly Mistake[]): readonly Mistake[] {
  const byFile = new Map<string, Mistake[]>()
  for (const mistake of mistakes) {
    const list = byFile.get(mistake.file) ?? []
    byFile.set(mistake.file, list)
    list.push(mistake)
  }
  const gathered = [...byFile.keys()]
    .sort()
    .flatMap((file) => cut(sorted(byFile.get(file) ?? []), perFile))
  return cut(gathered, inAll)
}

const sorted = (mistakes: readonly Mistake[]): readonly Mistake[] =>
  [...mistakes].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column)

/** Errors first, so that none is cut for the sake of a warning. */
const rank = ({ severity }: Mistake): number => (severity === 'error' ? 0 : 1)

function cut(mistakes: readonly Mistake[], limit: number): readonly Mistake[] {
  const first = mistakes[limit]
  if (!first) return mistakes
  const message = `and ${mistakes.length - limit} more, which are not listed`
  const rest: Mistake = { ...first, code: 'more-mistakes', path: '', excerpt: '', message }
  return [...mistakes.slice(0, limit), rest]
}
