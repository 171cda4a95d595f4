// What instances share, put together: an exchange that keeps to itself, or one over a store that all of them reach.

import { createHash } from 'node:crypto'

import type { Settings } from '../settings/settings.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from './log.ts'
import type {
  Exchange,
  FeedbackExchange,
  OverrideExchange,
  TallyExchange,
  SharedEvent,
} from '../cluster/vote-exchange.ts'
import { createMemoryOverrides, createMemoryExchange } from '../cluster/standalone.ts'
import { createRedisExchange } from '../cluster/cluster.ts'
import { createRedisLink } from '../cluster/redis/redis-link.ts'
import type { ConfigGroup } from '../cluster/config-agreement.ts'
import type { StateView } from '../cluster/state-view.ts'
import { stateTimes } from '../cluster/redis/schema.ts'

export interface SharedState {
  readonly exchange: Exchange
  readonly overrides: OverrideExchange
  /** null: this instance is alone; so below. */
  readonly feedback: FeedbackExchange | null
  readonly tallies: TallyExchange | null
  readonly view: (() => StateView) | null
  /** What the zones say; with the settings that are to be equal too, it is compared with what others have. */
  configure(content: string): void
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
      feedback: null,
      tallies: null,
      view: null,
      configure() {},
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
    feedback: exchange.feedback,
    tallies: exchange.tallies,
    view: () => exchange.stateView(),
    configure: (content) =>
      exchange.configure(configOf(content, [state.vantages, state.heartbeatMs])),
    stop: () => exchange.stop(),
  }
}

const configOf = (content: string, settings: readonly number[]): string =>
  createHash('sha256')
    .update(JSON.stringify([content, ...settings]))
    .digest('base64url')
    .slice(0, 16)

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
      return logGone(log, event)
    case 'emptied':
      return log.warn({ event: 'state.emptied' }, 'the store lost its memory: ours is written anew')
    case 'fenced':
      return log.error(
        { event: 'state.fenced' },
        'a later process has the name of this instance: this one only listens',
      )
    case 'unfenced':
      return log.info({ event: 'state.unfenced' }, 'the name of this instance is its own again')
    case 'config-differs':
      return log.warn(
        { event: 'config.differs', groups: event.groups },
        `instances have different zone files: ${event.groups.map(inWords).join(' | ')}`,
      )
    case 'config-agrees':
      return log.info({ event: 'config.agrees' }, 'all instances have the same zone files again')
    default:
      return event satisfies never
  }
}

function logGone(
  log: Log,
  { peer, isStopped }: SharedEvent & { readonly kind: 'peer-gone' },
): void {
  const fields = { event: 'peer.gone', peer, why: isStopped ? 'stopped' : 'silent' }
  if (isStopped) log.info(fields, 'another instance stopped, and said so')
  else log.warn(fields, 'another instance is gone')
}

const namesShown = 8

function inWords({ instances }: ConfigGroup): string {
  const more = instances.length - namesShown
  return instances.slice(0, namesShown).join(' ') + (more > 0 ? ` and ${more} more` : '')
}
