// Whether two answers to a question say the same, and the differences that are none: each by name, with its reason.

import type { Question } from './questions.ts'
import type { AnswerView, SetView } from './answer-view.ts'

export interface Allowance {
  readonly name: string
  readonly because: string
  /** `theirs` without this one difference from `ours`; `theirs` itself where it does not apply. */
  forgive: (ours: AnswerView, theirs: AnswerView, question: Question) => AnswerView
}

/** The canonical text of all that is compared. */
export function canonical({ rcode, flags, question, opt, ...sections }: AnswerView): string {
  const { answer, authority, additional } = sections
  const edns = opt === null ? 'none' : `${opt.udp} v${opt.version}${opt.dnssecOk ? ' do' : ''}`
  return [
    `rcode ${rcode} flags ${flags.join(' ')}`,
    `question ${question}`,
    `opt ${edns}`,
    ...answer.map(({ text }) => `answer ${text}`),
    ...texts(authority).map((text) => `authority ${text}`),
    ...texts(additional).map((text) => `additional ${text}`),
  ].join('\n')
}

const texts = (sets: readonly SetView[]): string[] => sets.map(({ text }) => text).sort()

export interface Verdict {
  readonly isEqual: boolean
  /** Names of the allowances that it took. */
  readonly allowed: readonly string[]
}

export function compare(
  allowances: readonly Allowance[],
  ours: AnswerView,
  theirs: AnswerView,
  question: Question,
): Verdict {
  const wanted = canonical(ours)
  if (canonical(theirs) === wanted) return { isEqual: true, allowed: [] }
  const allowed: string[] = []
  let left = theirs
  for (const { name, forgive } of allowances) {
    const next = forgive(ours, left, question)
    if (next === left) continue
    allowed.push(name)
    left = next
  }
  return { isEqual: canonical(left) === wanted, allowed }
}
