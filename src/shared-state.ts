// What instances share, put together: an exchange that keeps to itself, or one over a store that all of them reach.

import type { Settings } from './config/settings.ts'
import { systemClock } from './lib/clock.ts'
import type { Log } from './log.ts'
import type { Exchange } from './share/exchange.ts'
import { createMemoryOverrides } from './share/memory-overrides.ts'
import { createMemoryExchange } from './share/memory.ts'
import type { OverrideExchange } from './share/override-exchange.ts'
import { createRedisExchange } from './share/redis-exchange.ts'
import { createRedisLink } from './share/redis-link.ts'
import type { SharedEvent, StateView } from './share/state-events.ts'
import { stateTimes } from './share/state-settings.ts'

export interface SharedState {
  readonly exchange: Exchange
  readonly overrides: OverrideExchange
  /** null: this instance is alone. */
  readonly view: (() => StateView) | null
  stop(): Promise<void>
}

const connectMs = 2000
const longestRetryMs = 5000

export function openSharedState(
  { state, instance, site }: Pick<Settings, 'state' | 'instance' | 'site'>,
  log: Log,
  random: () => number,
): SharedState {
  if (state === 'memory')
    return {
      exchange: createMemoryExchange(instance, site),
      overrides: createMemoryOverrides(),
      view: null,
      stop: async () => {},
    }
  const { commandMs, blockMs } = stateTimes(state.heartbeatMs)
  const times = { connectMs, commandMs, blockMs, longestRetryMs }
  const exchange = createRedisExchange({
    settings: state,
    instance,
    site,
    random,
    clock: systemClock,
    link: createRedisLink(state.address, instance, times, random),
    onEvent: (event) => logShared(log, event),
  })
  return {
    exchange,
    overrides: exchange.overrides,
    view: () => exchange.stateView(),
    stop: () => exchange.stop(),
  }
}

function logShared(log: Log, event: SharedEvent): void {
  switch (event.kind) {
    case 'degraded':
      return log.warn(
        { event: 'state.degraded', why: event.why },
        'the store is out of reach: everything is probed here, the last votes of the others stand for a while',
      )
    case 'recovered':
      return log.info(
        { event: 'state.recovered', afterMs: event.afterMs },
        'the store is in reach again',
      )
    case 'peer-joined':
      return log.info(
        { event: 'peer.joined', peer: event.peer, site: event.site },
        'another instance is there',
      )
    case 'peer-gone':
      return log.warn({ event: 'peer.gone', peer: event.peer }, 'another instance is gone')
    case 'emptied':
      return log.warn({ event: 'state.emptied' }, 'the store lost its memory: ours is written anew')
    case 'fenced':
      return log.error(
        { event: 'state.fenced' },
        'a later process has the name of this instance: this one only listens',
      )
    case 'unfenced':
      return log.info({ event: 'state.unfenced' }, 'the name of this instance is its own again')
    default:
      return event satisfies never
  }
}
