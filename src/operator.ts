// What an operator may say to the running server, put together: overrides, who keeps them, what they come to.

import { randomBytes } from 'node:crypto'

import { type AdminListener, listenAdmin } from './admin/http.ts'
import { type OverrideSources, overrideWrites } from './admin/override-routes.ts'
import { type PoolShares, createPoolShares } from './admin/pool-shares.ts'
import { type AdminSources, adminRoutes } from './admin/routes.ts'
import { writeAccess } from './admin/write-request.ts'
import type { LoadedTarget } from './config/load-zones.ts'
import type { Settings } from './config/settings.ts'
import type { HealthWriter } from './health/table.ts'
import { systemClock } from './lib/clock.ts'
import type { Log } from './log.ts'
import { overrideEvents } from './log-events.ts'
import { watchedMembers } from './probe/member-state.ts'
import { createMemberWatch } from './probe/watched-members.ts'
import { createMemoryOverrides } from './share/memory-overrides.ts'
import type { Endpoint } from './transport/endpoint.ts'
import type { Workers } from './transport/workers.ts'

export interface Operator {
  readonly overrides: OverrideSources
  readonly shares: PoolShares
  /** Replaces the targets that may be overridden. */
  watch(targets: readonly LoadedTarget[]): void
  stop(): void
}

export function createOperator(table: HealthWriter, { counters }: Workers, log: Log): Operator {
  const exchange = createMemoryOverrides()
  const logged = overrideEvents(log)
  const watch = createMemberWatch({
    table,
    clock: systemClock,
    exchange,
    // What was handed out until now went by the weights until now.
    onSet(override) {
      logged.onSet(override)
      shares.sample()
    },
    onEnd(...ended) {
      logged.onEnd(...ended)
      shares.sample()
    },
  })
  const shares = createPoolShares({ counters, states: () => watch.states() })
  return {
    shares,
    overrides: {
      watch,
      exposedUntilMs: (target) =>
        counters.reduce(
          (latest, { handOuts }) => Math.max(latest, handOuts.exposedUntilMs(target)),
          0,
        ),
      wallMs: () => systemClock.wallMs(),
      newId: () => randomBytes(4).toString('hex'),
    },
    watch: (targets) => watch.watch(watchedMembers(targets)),
    stop() {
      watch.stop()
      shares.close()
    },
  }
}

export function listenOperator(
  endpoint: Endpoint,
  sources: AdminSources,
  { adminToken }: Pick<Settings, 'adminToken'>,
): Promise<AdminListener> {
  const writes = overrideWrites(sources.overrides, writeAccess(endpoint, adminToken))
  return listenAdmin(endpoint, adminRoutes(sources), writes)
}
