// The routes of what a console shows: the overview and the stream that keeps it current, events, and the history of probes
// and of traffic. docs/openapi.yaml describes what each of them answers.

import type { EventRecord, EventRing } from '../../history/event-ring.ts'
import {
  historyWindows,
  type HistoryWindow,
  type ProbeHistory,
} from '../../history/probe-history.ts'
import {
  type TrafficGroups,
  type TrafficHistory,
  trafficWindows,
  type TrafficWindow,
} from '../../history/traffic-history.ts'
import { SlotState } from '../../health/table.ts'
import { bareName } from '../../lib/bare-name.ts'
import { isoTime } from '../../lib/clock.ts'
import type { WatchedState } from '../../watch/watched-state.ts'
import { findTarget, isCalledOne } from '../find-target.ts'
import { assembledReply, compactJson, type Reply } from '../reply.ts'
import type { AdminRequest, Route } from '../route.ts'
import { overviewPieces } from './live-rows.ts'
import { badParameter, oneOf, strangeParameter, wholeNumber } from './parameters.ts'
import type { StreamFeed } from './stream-feed.ts'
import { probeReply, targetReply, type TargetRouteSources } from './target-routes.ts'

export interface LiveSources {
  readonly boot: string
  readonly feed: StreamFeed
  readonly events: EventRing
  readonly history: ProbeHistory
  readonly traffic: TrafficHistory
  readonly workers: () => TrafficReply['workers']
  readonly wallMs: () => number
  readonly target: TargetRouteSources
}

interface Sources {
  readonly live: LiveSources
}

const jsonType = 'application/json; charset=utf-8'

export const liveRoutes: readonly Route<Sources>[] = [
  { method: 'GET', path: '/overview', access: 'read', handler: overviewReply },
  { method: 'GET', path: '/stream', access: 'read', isStream: true, handler: streamReply },
  { method: 'GET', path: '/events', access: 'read', handler: eventsReply },
  { method: 'GET', path: '/history', access: 'read', handler: historyReply },
  { method: 'GET', path: '/traffic', access: 'read', handler: trafficReply },
  {
    method: 'GET',
    path: '/targets/NAME',
    access: 'read',
    handler: ({ live }, request) => targetReply(live.target, request),
  },
  {
    method: 'POST',
    path: '/targets/NAME/probe',
    access: 'admin',
    handler: ({ live }, request) => probeReply(live.target, request),
  },
]

/** 304 where `since` is the generation of now. */
async function overviewReply(
  { live }: Sources,
  { parameters, turns }: AdminRequest,
): Promise<Reply> {
  const strange = strangeParameter(parameters, ['since'])
  if (strange !== null) return strange
  const overview = live.feed.overview()
  if (parameters.get('since') === overview.generation)
    return { status: 304, contentType: jsonType, body: '' }
  return assembledReply(jsonType, overviewPieces(overview), turns)
}

function streamReply({ live }: Sources, { parameters }: AdminRequest): Reply {
  const strange = strangeParameter(parameters, ['since'])
  if (strange !== null) return strange
  const { text, sequence } = live.feed.open(parameters.get('since'))
  const contentType = 'text/event-stream; charset=utf-8'
  return { status: 200, contentType, body: text, streamSequence: sequence }
}

/** GET /events. */
export interface EventsReply {
  readonly at: string | null
  readonly boot: string
  /** Newest first. */
  readonly events: readonly EventRecord[]
  /** What to give as `before` for those that are older; null: there are none here. */
  readonly before: number | null
  /** Id of the oldest event that is kept; null: there is none. */
  readonly oldest: number | null
}

const eventKeys = ['before', 'kind', 'target', 'zone', 'instance', 'by', 'limit'] as const
const eventsAtOnce = { most: 500, usual: 100 }

function eventsReply({ live }: Sources, { parameters }: AdminRequest): Reply {
  const strange = strangeParameter(parameters, eventKeys)
  if (strange !== null) return strange
  const before = wholeNumber(parameters, 'before', { least: 1, most: Number.MAX_SAFE_INTEGER })
  if (before === undefined) return badParameter('before: expected the id of an event')
  const limit = wholeNumber(parameters, 'limit', { least: 1, most: eventsAtOnce.most })
  if (limit === undefined) return badParameter(`limit: expected 1 to ${eventsAtOnce.most}`)
  const wallMs = live.wallMs()
  live.events.flush(wallMs)
  const canonical = (key: string): string | null => {
    const given = parameters.get(key)
    return given === null ? null : bareName(given)
  }
  const events = live.events.list({
    before,
    kinds: parameters.getAll('kind'),
    target: canonical('target'),
    zone: canonical('zone'),
    instance: parameters.get('instance'),
    by: parameters.get('by'),
    limit: limit ?? eventsAtOnce.usual,
  })
  const { oldest } = live.events
  const last = events.at(-1)?.id ?? null
  const isMore = last !== null && oldest !== null && last > oldest
  const at = isoTime(wallMs)
  const page = { at, boot: live.boot, events, before: isMore ? last : null, oldest }
  return compactJson(page satisfies EventsReply)
}

/** GET /history. */
export interface HistoryReply {
  readonly at: string | null
  /** false: no history is kept (`history_addresses`). */
  readonly available: boolean
  readonly window: HistoryWindow
  readonly stepSeconds: number
  /** When the first bucket begins; the last one is under way. */
  readonly start: string | null
  readonly series: readonly HistorySeries[]
}

/** Of one address, by bucket, the oldest first; null: this process did not watch then. */
export interface HistorySeries {
  readonly zone: string
  readonly target: string
  readonly address: string
  readonly port: number
  readonly good: readonly (number | null)[]
  readonly bad: readonly (number | null)[]
  readonly p50Ms: readonly (number | null)[]
  readonly maxMs: readonly (number | null)[]
  readonly worst: readonly (WatchedState['state'] | null)[]
}

const historyKeys = ['window', 'zone', 'target', 'address'] as const
const historyAtOnce = { targets: 50, series: 100 }

function historyReply({ live }: Sources, { parameters }: AdminRequest): Reply {
  const strange = strangeParameter(parameters, historyKeys)
  if (strange !== null) return strange
  const window = oneOf(parameters, 'window', ['1h', '24h'])
  if (window === null) return badParameter('window: expected 1h or 24h')
  const wanted = wantedStates(live.target.states(), parameters)
  if (wanted.kind === 'refused') return wanted.reply
  if (wanted.states.length > historyAtOnce.series)
    return badParameter(
      `${wanted.states.length} addresses are more than ${historyAtOnce.series}: name targets`,
    )
  const wallMs = live.wallMs()
  const { buckets, bucketMs } = historyWindows[window]
  const series = wanted.states.flatMap((one) => seriesOf(live.history, one, { window, wallMs }))
  return compactJson({
    at: isoTime(wallMs),
    available: !live.history.isOff,
    window,
    stepSeconds: bucketMs / 1000,
    start: isoTime((Math.floor(wallMs / bucketMs) - buckets + 1) * bucketMs),
    series,
  } satisfies HistoryReply)
}

type WantedStates =
  | { readonly kind: 'found'; readonly states: readonly WatchedState[] }
  | { readonly kind: 'refused'; readonly reply: Reply }

/** Those of the targets that are named; all, where none is. */
function wantedStates(states: readonly WatchedState[], parameters: URLSearchParams): WantedStates {
  const names = parameters.getAll('target')
  if (names.length > historyAtOnce.targets)
    return { kind: 'refused', reply: badParameter(`target: at most ${historyAtOnce.targets}`) }
  const zone = parameters.get('zone')
  const called = new Set(names.map(bareName))
  // Fifty names are not looked for among ten thousand targets one by one.
  const near = called.size === 0 ? states : states.filter((one) => isCalledOne(one, called))
  const targets = eachTarget(near)
  for (const name of names) {
    if (findTarget(targets, name, zone).kind === 'found') continue
    const lookup = findTarget(eachTarget(states), name, zone)
    if (lookup.kind === 'refused') return lookup
  }
  const address = parameters.get('address')
  const ofZone = zone === null ? null : bareName(zone)
  const found = near.filter(
    (one) =>
      (ofZone === null || one.zone === ofZone) && (address === null || one.address === address),
  )
  return { kind: 'found', states: found }
}

/** One row of each target, whose addresses have one each. */
const eachTarget = (states: readonly WatchedState[]): readonly WatchedState[] => [
  ...new Map(states.map((one) => [`${one.zone} ${one.target}`, one])).values(),
]

const stateNames = Object.fromEntries(
  Object.entries(SlotState).map(([name, value]) => [value, name]),
) as Record<SlotState, WatchedState['state']>

function seriesOf(
  history: ProbeHistory,
  { slot, zone, target, address, port }: WatchedState,
  { window, wallMs }: { readonly window: HistoryWindow; readonly wallMs: number },
): readonly HistorySeries[] {
  const series = history.read(slot, window, wallMs)
  if (series === null) return []
  const worst = series.worst.map((state) => (state === null ? null : stateNames[state]))
  return [{ zone, target, address, port, ...series, worst }]
}

/** GET /traffic. */
export interface TrafficReply extends TrafficGroups {
  readonly at: string | null
  readonly window: TrafficWindow
  readonly stepSeconds: number
  /** When the first bucket begins; the last one is over. */
  readonly start: string | null
  readonly workers: { readonly alive: number; readonly of: number; readonly restarts: number }
}

function trafficReply({ live }: Sources, { parameters }: AdminRequest): Reply {
  const strange = strangeParameter(parameters, ['window'])
  if (strange !== null) return strange
  const window = oneOf(parameters, 'window', ['1h', '24h'])
  if (window === null) return badParameter('window: expected 1h or 24h')
  const wallMs = live.wallMs()
  const { startMs, groups } = live.traffic.read(window, wallMs)
  return compactJson({
    at: isoTime(wallMs),
    window,
    stepSeconds: trafficWindows[window].bucketMs / 1000,
    start: isoTime(startMs),
    ...groups,
    workers: live.workers(),
  } satisfies TrafficReply)
}
