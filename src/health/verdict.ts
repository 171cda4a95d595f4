// What one outcome of a probe says of the target's health.
//
//   outcome     verdict   because
//   ok          pass
//   dead mute   fail      no mail gets in
//   garbage     fail      not SMTP: no mail gets in either
//   stuck       fail      greets, then cannot go on
//   refusing    fail      5xx greeting. Perhaps only we are refused: with several sites the quorum
//                         of consensus.ts decides that; a single vantage can only believe what it sees
//   busy        busy      load passes, and senders simply try the next MX: needs twice `fall`
//   self        unknown   says nothing of the target (design §1, law 5)

import type { OutcomeKind } from '../probe/outcome.ts'

export type Verdict = 'pass' | 'fail' | 'busy' | 'unknown'

const verdicts: Readonly<Record<OutcomeKind, Verdict>> = {
  ok: 'pass',
  dead: 'fail',
  mute: 'fail',
  garbage: 'fail',
  stuck: 'fail',
  refusing: 'fail',
  busy: 'busy',
  self: 'unknown',
}

export const verdictOf = (kind: OutcomeKind): Verdict => verdicts[kind]
