// What all workers have counted since the start, by the series of the traffic history.

import { AnswerPosition, answerReasons, type Counters, otherType } from '../answer/counters.ts'
import { collectTotals, type TrafficTotals } from '../history/traffic-history.ts'
import { rcodeToText } from '../wire/rcode.ts'
import { typeToText } from '../wire/rrtype.ts'

/** Probes that were started, and those of them that were late. */
export interface ProbesCounted {
  readonly started: number
  readonly late: number
}

/** `targets`: indexes of the counters of those that are served. */
export const trafficTotals = (
  counters: readonly Counters[],
  targets: readonly number[],
  { started, late }: ProbesCounted,
): TrafficTotals =>
  collectTotals((add) => {
    add('probes', 'started', started)
    add('probes', 'late', late)
    for (const one of counters) {
      const { scalars, queriesByType, responsesByRcode } = one.read()
      for (const [type, count] of queriesByType)
        add('types', type === otherType ? 'other' : typeToText(type), count)
      for (const [rcode, count] of responsesByRcode) add('rcodes', rcodeToText(rcode), count)
      const { dropped, rejected, packets, tcpQueries } = scalars
      add('transports', 'tcp', tcpQueries)
      add('transports', 'udp', Math.max(0, packets - dropped - rejected - tcpQueries))
      add('fates', 'dropped', dropped)
      add('fates', 'rejected', rejected)
      add('fates', 'slipped', scalars.rateSlipped)
      add('fates', 'withheld', scalars.rateDropped)
      for (const fate of ['truncated', 'tcpAccepted', 'tcpClosedByLimit', 'failures'] as const)
        add('fates', fate, scalars[fate])
      for (const reason of answerReasons) add('reasons', reason, sumOf(one, targets, reason))
    }
  })

/** Targets handed out first, and in address sets. */
function sumOf(
  { answerCounts }: Counters,
  targets: readonly number[],
  reason: (typeof answerReasons)[number],
): number {
  let sum = 0
  for (const target of targets)
    sum +=
      answerCounts.count(target, AnswerPosition.first, reason) +
      answerCounts.count(target, AnswerPosition.address, reason)
  return sum
}
