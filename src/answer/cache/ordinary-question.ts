// Which questions are worth keeping an answer for (quick-answers.ts).

import { lowerOctet } from '../../wire/key.ts'
import type { Query } from '../../wire/query.ts'
import { RRType } from '../../wire/rrtype.ts'

/** Not a part of messages, no transfer, none of the types that stand for several (decide.ts). */
export const isOrdinary = (qtype: number): boolean =>
  (qtype < 128 && qtype !== RRType.OPT) || qtype > RRType.ANY

/** Resolvers that capitalise by chance, against forged answers, hardly ever ask in the same letters again. */
export function hasCapitals({ packet, qnameOffset, qnameOctets }: Query): boolean {
  for (let i = qnameOffset; i < qnameOffset + qnameOctets; i++)
    if (lowerOctet(packet[i] as number) !== packet[i]) return true
  return false
}
