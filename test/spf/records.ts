// Answers to what an evaluation of SPF asks, out of a table of texts.

import type {
  SpfAnswer,
  SpfBudget,
  SpfChecked,
  SpfCheck,
  SpfQuestion,
} from '../../src/spf/check-host.ts'

export const freshBudget = (terms = 100_000): SpfBudget => ({ terms, parsed: new Map() })

/** Runs an evaluation to its end. */
export function verdictOver(
  check: SpfCheck<SpfChecked>,
  answer: (question: SpfQuestion) => SpfAnswer,
): SpfChecked {
  let step = check.next()
  while (!step.done) step = check.next(answer(step.value))
  return step.value
}

interface Answers {
  readonly answer: (question: SpfQuestion) => SpfAnswer
  /** Octets of the texts of each name. */
  readonly lengths: ReadonlyMap<string, { readonly length: number }>
}

export function answersOf(texts: readonly (readonly [name: string, text: string])[]): Answers {
  const byName = new Map(texts)
  return {
    answer({ type, name }) {
      const text = type === 'TXT' ? byName.get(name) : undefined
      return text === undefined ? { kind: 'none' } : { kind: 'found', data: [text] }
    },
    lengths: byName,
  }
}
