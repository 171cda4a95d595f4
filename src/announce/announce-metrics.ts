// Whether the announce hook says that this instance is to be announced, and whether it can say so.

import type { Registry } from 'prom-client'

import type { AnnouncerView } from './announcer.ts'
import { registerSampled } from '../metrics/sampled-metric.ts'

export function registerAnnounce(registry: Registry, view: () => AnnouncerView): void {
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_announced',
    help: '1: the announce hook says up, 0: down',
    sample: (emit) => emit({}, view().word === 'up' ? 1 : 0),
  })
  registerSampled(registry, {
    kind: 'counter',
    name: 'mxsteer_announce_failures_total',
    help: 'Times that the announce hook could not say it',
    labels: ['what'],
    sample(emit) {
      const { file, command } = view().failures
      emit({ what: 'file' }, file)
      emit({ what: 'command' }, command)
    },
  })
}
