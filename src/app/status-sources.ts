// What `/status` tells beyond health and overrides: who this instance is, whom it shares with, and how all of them vote.

import type { StatusSources } from '../admin/views/status-view.ts'
import type { Settings } from '../settings/settings.ts'
import type { ZoneKeeper } from '../zonefile/zone-keeper.ts'
import { systemClock } from '../lib/clock.ts'
import type { WatchedAddress } from '../probe/smtp/profile.ts'
import { slotKey } from '../watch/slot-key.ts'
import type { SharedState } from './cluster-link.ts'
import { version } from './version.ts'

export interface StatusNeeds {
  readonly settings: Settings
  readonly keeper: ZoneKeeper
  readonly shared: SharedState
  readonly startedMs: number
}

export function statusSources({ settings, keeper, shared, startedMs }: StatusNeeds): StatusSources {
  let watched: readonly WatchedAddress[] = []
  let keys: ReadonlyMap<number, string> = new Map()
  return {
    version,
    instance: settings.instance,
    site: settings.site,
    uptimeSeconds: () => (systemClock.monotonicMs() - startedMs) / 1000,
    sharing() {
      const { kind, degraded } = shared.exchange.status()
      const view = shared.view?.()
      const { fenced = false, unansweredSeconds = 0, peers = [], config = null } = view ?? {}
      return { kind, degraded, fenced, unansweredSeconds, peers, config }
    },
    votesOn(slot) {
      const current = keeper.current().watched
      if (current !== watched) keys = new Map(current.map((one) => [one.slot, slotKey(one)]))
      watched = current
      const key = keys.get(slot)
      return key === undefined ? [] : shared.exchange.votes(key)
    },
  }
}
