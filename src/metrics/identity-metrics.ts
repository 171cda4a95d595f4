// What targets look like from outside: findings, DNS lists, and what the resolver was asked.

import type { Registry } from 'prom-client'

import { type FindingKind, findingKinds } from '../reputation/findings.ts'
import { shownList } from '../reputation/profile.ts'
import type { IdentityState, IdentityWatch } from '../reputation/watch.ts'
import { registerSampled } from './sampled-metric.ts'

export type IdentitySource = Pick<IdentityWatch, 'states' | 'lists' | 'counters'>

export function registerIdentityMetrics(registry: Registry, source: IdentitySource): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_identity_finding',
    help: '1: there is something to mend about what the target looks like from outside',
    labels: ['zone', 'pool', 'target', 'address', 'finding'],
    sample: (emit) => {
      for (const state of source.states()) {
        const { zone, pool, target, address } = state.watched
        for (const finding of kindsAsked(state))
          emit({ zone, pool, target, address, finding }, has(state, finding))
      }
    },
  })
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_dnsbl_usable',
    help: '0: the list fails its test points and is not believed',
    labels: ['list', 'family'],
    sample: (emit) => {
      for (const { list, family, trouble } of source.lists())
        emit({ list: shownList(list), family: String(family) }, trouble === null ? 1 : 0)
    },
  })
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_resolver_questions_total',
    help: 'Questions to the resolver by what came of them',
    labels: ['result'],
    sample: (emit) => {
      const counters = source.counters()
      if (counters === null) return
      emit({ result: 'answered' }, counters.answered)
      emit({ result: 'failed' }, counters.failed)
      emit({ result: 'cached' }, counters.fromCache)
    },
  })
}

/** What this member asks for: what it does not is neither well nor to be mended. */
const kindsAsked = ({ watched: { profile } }: IdentityState): readonly FindingKind[] =>
  findingKinds.filter((kind) => {
    if (kind === 'listed') return profile.lists.length > 0
    return kind.startsWith('ptr') ? profile.ptr : profile.greeting
  })

const has = ({ findings }: IdentityState, kind: FindingKind): number =>
  findings.some((finding) => finding.kind === kind) ? 1 : 0
