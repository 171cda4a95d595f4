// The scope of the answer (RFC 7871), and why it is that long.

import { scopeCap } from '../steer/scope/scope-marks.ts'
import { type Scopes, dependsOnClient } from '../steer/scope/scopes.ts'
import type { Asked } from './ask.ts'
import type { Question } from './question.ts'

export interface ScopeView {
  /** As the answer has it, or would have it if a client subnet were told. */
  readonly prefixLength: number
  readonly why:
    /** Nothing in the answer is steered by who asks. */
    | 'not-steered'
    /** One rule, for everyone. */
    | 'same-for-all'
    /** A source of /0: the client wants to be nobody. */
    | 'anonymous'
    | 'sticky'
    /** One bit shorter, there are clients of another rule. */
    | 'border'
    /** Every client of the family gets the same rule. */
    | 'one-rule'
    /** There are borders closer by than scopes are told. */
    | 'cap'
  /** Whether the question told of a subnet, so that the answer tells this. */
  readonly isTold: boolean
}

export function scopeView(question: Question, asked: Asked, scopes: Scopes): ScopeView {
  const isTold = question.subnet !== null
  const set = asked.found?.set
  if (set === undefined || set.kind === 'target-address')
    return { prefixLength: 0, why: 'not-steered', isTold }
  if (question.subnet?.prefixLength === 0) return { prefixLength: 0, why: 'anonymous', isTold }
  if (!dependsOnClient(set)) return { prefixLength: 0, why: 'same-for-all', isTold }
  const prefixLength = isTold
    ? asked.scopePrefixLength
    : scopes.prefixLength(set, asked.locus.octets)
  const isSticky = set.kind !== 'steered-srv' && set.sticky
  const isCap = prefixLength >= scopeCap(asked.locus.octets.length)
  const why = isSticky ? 'sticky' : prefixLength === 0 ? 'one-rule' : isCap ? 'cap' : 'border'
  return { prefixLength, why, isTold }
}
