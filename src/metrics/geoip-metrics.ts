// Metrics of the GeoIP databases: which are in force, how old they are, and whether the last reload
// succeeded.

import type { Registry } from '@prometheus-io/client'

import { registerSampled } from './sampled-metric.ts'

export interface DatabaseStatus {
  /** Kind of database: `country` or `asn`. */
  readonly database: string
  /** Of the database in force; null: none is. */
  readonly facts: { readonly type: string; readonly buildSeconds: number | null } | null
  readonly lastReloadSuccessful: boolean
  /** Of the last successful reload, in seconds since the epoch; 0: none yet. */
  readonly successAtSeconds: number
}

interface DatabaseGauge {
  readonly name: string
  readonly help: string
  /** The value of the sample; null if the database has none now. */
  readonly value: (one: DatabaseStatus, nowSeconds: number) => number | null
}

const buildSeconds = ({ facts }: DatabaseStatus): number | null => facts?.buildSeconds ?? null

const gauges: readonly DatabaseGauge[] = [
  {
    name: 'mxsteer_geoip_loaded',
    help: '0: no such GeoIP database is in force, rules that ask for it match no client',
    value: ({ facts }) => (facts === null ? 0 : 1),
  },
  {
    name: 'mxsteer_geoip_last_reload_successful',
    help: '0: the GeoIP database on disk is not the one in force',
    value: ({ lastReloadSuccessful }) => (lastReloadSuccessful ? 1 : 0),
  },
  {
    name: 'mxsteer_geoip_last_reload_success_timestamp_seconds',
    help: 'When a GeoIP database was last taken over',
    value: ({ successAtSeconds }) => successAtSeconds || null,
  },
  {
    name: 'mxsteer_geoip_build_timestamp_seconds',
    help: 'When the GeoIP database in force was made, as it says itself',
    value: buildSeconds,
  },
  {
    name: 'mxsteer_geoip_age_seconds',
    help: 'How long ago that was',
    value(one, nowSeconds) {
      const built = buildSeconds(one)
      return built === null ? null : Math.max(0, nowSeconds - built)
    },
  },
]

export function registerGeoipMetrics(
  registry: Registry,
  databases: () => readonly DatabaseStatus[],
  wallMs: () => number,
): void {
  for (const { name, help, value: of } of gauges) {
    registerSampled(registry, {
      kind: 'gauge',
      name,
      help,
      labels: ['database'],
      sample(emit) {
        for (const one of databases()) {
          const value = of(one, Math.floor(wallMs() / 1000))
          if (value !== null) emit({ database: one.database }, value)
        }
      },
    })
  }
  registerSampled(registry, {
    kind: 'gauge',
    name: 'mxsteer_geoip_info',
    help: 'Always 1: what the database calls itself',
    labels: ['database', 'type'],
    sample(emit) {
      for (const { database, facts } of databases())
        if (facts) emit({ database, type: facts.type }, 1)
    },
  })
}
