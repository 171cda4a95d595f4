// Metrics of queries and answers: the counters of the workers, summed over workers.

import type { Registry } from '@prometheus-io/client'

import {
  type Counters,
  type Scalar,
  otherType,
  AnswerPosition,
  answerReasons,
} from '../answer/counters.ts'
import { rcodeToText } from '../wire/rcode.ts'
import { typeToText } from '../wire/rrtype.ts'
import { type Emit, emitEach, registerSampled, type Steps } from './sampled-metric.ts'

export interface CountedTarget {
  readonly zone: string
  readonly name: string
  /** Index of the target in the answer counters. */
  readonly index: number
}

/** Metrics without labels, by the scalar that they show. */
const scalarHelp: ReadonlyMap<Scalar, readonly [name: string, help: string]> = new Map([
  ['truncated', ['mxsteer_truncated_total', 'Answers with TC set']],
  [
    'failedOpen',
    ['mxsteer_failed_open_total', 'Answers that hold every target since none was eligible'],
  ],
  [
    'failures',
    ['mxsteer_failures_total', 'Queries answered SERVFAIL by a bug of ours: please report'],
  ],
  ['sendErrors', ['mxsteer_send_errors_total', 'Answers that the socket did not take']],
  [
    'rateSlipped',
    ['mxsteer_rate_limit_slipped_total', 'Answers cut short by the rate limit (TC or BADCOOKIE)'],
  ],
  ['rateDropped', ['mxsteer_rate_limit_dropped_total', 'Answers withheld by the rate limit']],
  [
    'rateEvicted',
    ['mxsteer_rate_limit_evicted_total', 'Prefixes that the rate limit forgot for want of room'],
  ],
  [
    'uncached',
    ['mxsteer_uncached_answers_total', 'Answers that were decided and encoded, not copied'],
  ],
  ['tcpQueries', ['mxsteer_tcp_queries_total', 'Queries over TCP']],
  ['tcpAccepted', ['mxsteer_tcp_accepted_total', 'TCP connections accepted, proxied ones too']],
  ['tlsAccepted', ['mxsteer_tls_accepted_total', 'Connections accepted for DNS over TLS']],
  ['tlsFailed', ['mxsteer_tls_failed_total', 'TLS handshakes that came to nothing']],
  [
    'proxyUnlisted',
    ['mxsteer_proxy_unlisted_total', 'Datagrams and connections that no listed proxy sent'],
  ],
  [
    'proxyMalformed',
    ['mxsteer_proxy_malformed_total', 'Datagrams and connections without a good PROXY header'],
  ],
  ['transfers', ['mxsteer_transfers_total', 'Zone transfers begun']],
  [
    'transfersRefused',
    ['mxsteer_transfers_refused_total', 'Zone transfers refused: not allowed, or too many at once'],
  ],
  [
    'tcpClosedByLimit',
    ['mxsteer_tcp_closed_by_limit_total', 'Connections (TCP, TLS) closed by a limit or deadline'],
  ],
])

interface CounterFamily {
  /** Default: counter. */
  readonly kind?: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly labels: readonly string[]
  /** Emits the samples of one worker. */
  readonly sample: (
    counters: Counters,
    emit: Emit,
    targets: readonly CountedTarget[],
  ) => Steps | void
}

const answerPlaces = Object.entries(AnswerPosition)

const families: readonly CounterFamily[] = [
  {
    name: 'mxsteer_packets_total',
    help: 'Packets received by fate: dropped in silence, rejected (no query, or a malformed one) or a query',
    labels: ['fate'],
    sample(counters, emit) {
      const { scalars } = counters.read()
      emit({ fate: 'dropped' }, scalars.dropped)
      emit({ fate: 'rejected' }, scalars.rejected)
      emit({ fate: 'query' }, scalars.packets - scalars.dropped - scalars.rejected)
    },
  },
  {
    name: 'mxsteer_queries_total',
    help: 'Queries by type, types without a counter of their own as "other"; sums to packets of fate query',
    labels: ['type'],
    sample(counters, emit) {
      for (const [type, count] of counters.read().queriesByType) {
        emit({ type: type === otherType ? 'other' : typeToText(type) }, count)
      }
    },
  },
  {
    name: 'mxsteer_responses_total',
    help: 'Responses by rcode; sums to packets of fate rejected and query, less what was withheld',
    labels: ['rcode'],
    sample(counters, emit) {
      for (const [rcode, count] of counters.read().responsesByRcode)
        emit({ rcode: rcodeToText(rcode) }, count)
    },
  },
  {
    name: 'mxsteer_answer_cache_emptied_total',
    help: 'Times that a part of the answer cache was emptied because it was full',
    labels: ['cache'],
    sample(counters, emit) {
      const { scalars } = counters.read()
      emit({ cache: 'messages' }, scalars.messagesEmptied)
      emit({ cache: 'drawn' }, scalars.drawnEmptied)
      emit({ cache: 'decisions' }, scalars.decisionsEmptied)
    },
  },
  {
    kind: 'gauge',
    name: 'mxsteer_answer_cache_bytes',
    help: 'Octets in use in the answer caches of all workers',
    labels: ['cache'],
    sample(counters, emit) {
      const { scalars } = counters.read()
      emit({ cache: 'messages' }, scalars.messageOctets + scalars.signedMessageOctets)
      emit({ cache: 'drawn' }, scalars.drawnOctets + scalars.signedDrawnOctets)
    },
  },
  {
    name: 'mxsteer_dnssec_signatures_total',
    help: 'Signatures that answers needed: made, found among those made before, or refused for want of budget',
    labels: ['how'],
    sample(counters, emit) {
      const { scalars } = counters.read()
      emit({ how: 'made' }, scalars.signaturesMade)
      emit({ how: 'found' }, scalars.signaturesFound)
      emit({ how: 'refused' }, scalars.signaturesRefused)
    },
  },
  {
    name: 'mxsteer_dnssec_sign_seconds_total',
    help: 'Time that answering threads spent making signatures',
    labels: [],
    sample: (counters, emit) => emit({}, counters.read().scalars.signSeconds),
  },
  {
    kind: 'gauge',
    name: 'mxsteer_dnssec_kept',
    help: 'What all workers keep of signed zones: signatures, and proofs of NXDOMAIN',
    labels: ['what'],
    sample(counters, emit) {
      const { scalars } = counters.read()
      emit({ what: 'signatures' }, scalars.signaturesKept)
      emit({ what: 'denials' }, scalars.denialsKept)
    },
  },
  {
    name: 'mxsteer_answers_total',
    help: 'Times a target was handed out, by place in the answer and by why it was chosen',
    labels: ['zone', 'target', 'place', 'reason'],
    sample: (counters, emit, targets) =>
      emitEach(targets, ({ zone, name: target, index }) => {
        for (const [place, number] of answerPlaces) {
          for (const reason of answerReasons) {
            const count = counters.answerCounts.count(index, number, reason)
            if (count > 0 || (place !== 'address' && reason === 'eligible'))
              emit({ zone, target, place, reason }, count)
          }
        }
      }),
  },
]

export function registerAnswerMetrics(
  registry: Registry,
  counters: readonly Counters[],
  targets: () => readonly CountedTarget[],
): void {
  for (const { kind = 'counter', name, help, labels, sample: of } of families) {
    registerSampled(registry, {
      kind,
      name,
      help,
      labels,
      *sample(emit) {
        for (const one of counters) yield* of(one, emit, targets()) ?? []
      },
    })
  }
  for (const [scalar, [name, help]] of scalarHelp) {
    registerSampled(registry, {
      kind: 'counter',
      name,
      help,
      sample: (emit) => counters.forEach((one) => emit({}, one.read().scalars[scalar])),
    })
  }
}
