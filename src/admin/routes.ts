// The admin paths: what each shows.

import type { Registry } from 'prom-client'
import { checkReadiness, type ReadinessSources } from '../announce/readiness.ts'
import type { Explanation } from '../explain/explain.ts'
import type { Question } from '../explain/question.ts'
import type { LatencyPercentiles } from '../health/latency-window.ts'
import { parseAddress, parseNetwork } from '../lib/ip.ts'
import { availabilityView } from '../metrics/availability-metrics.ts'
import type { IdentitySource } from '../metrics/target-metrics.ts'
import type { PoolShare, PoolShares } from '../metrics/pool-shares.ts'
import type { WatchedState } from '../watch/watched-state.ts'
import type { FeedbackBook, NamedTarget } from '../weights/feedback-registry.ts'
import type { MemberState } from '../weights/member-state.ts'
import type { MeasuredPool } from '../weights/pool-availability.ts'
import { parseName } from '../wire/name.ts'
import { isMetaType, typeFromText } from '../wire/rrtype.ts'
import { identityView, toldView } from './views/target-view.ts'
import { type StatusSources, statusView } from './views/status-view.ts'
import type { Route } from './http.ts'
import type { OverrideSources } from '../metrics/override-metrics.ts'
import { isoTime } from '../lib/clock.ts'
import { overridesReply } from './override-routes.ts'
import { json, refuse, type Reply, text } from './request.ts'

export interface AdminSources {
  readonly registry: Registry
  readonly readiness: ReadinessSources
  readonly states: () => readonly WatchedState[]
  readonly overrides: OverrideSources
  readonly shares: PoolShares
  readonly explain: Explain
  readonly feedback: { readonly book: FeedbackBook; readonly targets: () => readonly NamedTarget[] }
  readonly availability: () => readonly MeasuredPool[]
  readonly identity: IdentitySource
  readonly status: StatusSources
}

export function adminRoutes(sources: AdminSources): ReadonlyMap<string, Route> {
  const { registry, readiness, states, availability, overrides } = sources
  return new Map<string, Route>([
    ['/livez', () => text('ok\n')],
    [
      '/readyz',
      async () => {
        const found = await checkReadiness(readiness)
        return json(found, found.ready ? 200 : 503)
      },
    ],
    ['/status', async () => json(statusView(sources, await checkReadiness(readiness)))],
    [
      '/metrics',
      async () => ({
        status: 200,
        contentType: registry.contentType,
        body: await registry.metrics(),
      }),
    ],
    [
      '/targets',
      () =>
        json({
          targets: states().map(targetView),
          members: memberViews(sources),
          identity: identityViews(sources),
          pools: availability().map(availabilityView),
          told: toldViews(sources),
        }),
    ],
    ['/overrides', () => overridesReply(overrides)],
    ['/explain', (parameters) => explainReply(sources.explain, parameters)],
  ])
}

const identityViews = ({ identity, overrides }: AdminSources): readonly object[] => {
  const wallMs = overrides.wallMs()
  return identity.states().map((state) => identityView(state, wallMs))
}

/** One target address as its probes see it, with the last dialogue. */
function targetView(one: WatchedState): object {
  const { lastOutcome: last } = one
  return {
    zone: one.zone,
    target: one.target,
    address: one.address,
    port: one.port,
    probe: one.profile,
    state: one.state,
    since: isoTime(one.sinceMs),
    reason: one.reason,
    factor: one.factor,
    alarms: one.alerts,
    held: one.isHeld,
    holdSeconds: Number.isFinite(one.holdSeconds) ? one.holdSeconds : null,
    verdicts: one.counts,
    flaps: one.flaps,
    downs: one.downs,
    latencyMs: latencyView(one.latency),
    nextProbeInMs: one.nextProbeInMs === null ? null : Math.round(one.nextProbeInMs),
    last: last && {
      ...last,
      at: isoTime(one.lastOutcomeAtMs),
      durationMs: Math.round(last.durationMs),
    },
  }
}

const latencyView = ({ count, ms }: LatencyPercentiles): object => {
  const rounded = ms.map((value) => Math.round(value * 10) / 10)
  const [p50 = null, p90 = null, p99 = null] = rounded
  return { probes: count, p50, p90, p99 }
}

/** Each target in each of its pools: the parts of its weight, why it is out, where it may still be cached. */
function memberViews({ overrides, shares }: AdminSources): readonly object[] {
  const byMember = new Map(shares.read().map((share) => [keyOf(share), share]))
  return overrides.watch
    .states()
    .map((state) =>
      memberView(
        state,
        byMember.get(keyOf(state.member)),
        overrides.exposedUntilMs(state.member.targetIndex),
      ),
    )
}

function memberView(state: MemberState, share: PoolShare | undefined, exposedMs: number): object {
  const { member, warmUpShare, overrideShare, feedback, reputation, factor, effective, out } = state
  return {
    zone: member.zone,
    target: member.target,
    pool: member.pool,
    out,
    weight: {
      configured: member.weight,
      warmUp: warmUpShare,
      override: overrideShare,
      feedback,
      reputation,
      slowStart: factor,
      effective,
    },
    firstRungs: { handedOut: share?.handedOut ?? 0, expected: share?.expected ?? 0 },
    exposedUntil: isoTime(exposedMs),
  }
}

/** What targets said of themselves, by whom and until when. */
const toldViews = ({ feedback: { book, targets } }: AdminSources): readonly object[] =>
  targets().flatMap((of) => {
    const words = book.words(of).map(toldView)
    return words.length > 0 ? [{ zone: of.zone, target: of.target, words }] : []
  })

interface MemberName {
  readonly zone: string
  readonly pool: string
  readonly target: string
}

const keyOf = ({ zone, pool, target }: MemberName): string => `${zone} ${pool} ${target}`

// GET /explain?name=smtp.example.com&type=MX&client=198.51.100.7: why a client is answered what it is.
//
//   type     MX unless told otherwise
//   client   who asks; without it somebody of whom nothing is known
//   ecs      the client's network, as its resolver would tell of it (EDNS Client Subnet)

type Explain = (question: Question) => Explanation

const keys: readonly string[] = ['name', 'type', 'client', 'ecs']

const anyType = 255

/** Special, so at no place: the catch-all is for it. */
const nobody = '0.0.0.0'

function explainReply(explain: Explain, parameters: URLSearchParams): Reply {
  const read = readQuestion(parameters)
  return 'why' in read ? refuse(400, 'bad-field', read.why) : json(explain(read))
}

function readQuestion(parameters: URLSearchParams): Question | { readonly why: string } {
  const unknown = [...parameters.keys()].find((key) => !keys.includes(key))
  if (unknown !== undefined)
    return bad(`unknown parameter ${quote(unknown)}, expected ${keys.join(', ')}`)
  const name = parseName(parameters.get('name') ?? '')
  if (name.kind === 'bad') return bad(`name: ${name.why}`)
  const typeText = parameters.get('type') ?? 'MX'
  const type = typeText.toUpperCase() === 'ANY' ? anyType : typeFromText(typeText)
  if (type === undefined || (isMetaType(type) && type !== anyType))
    return bad(`type: ${quote(typeText)} is no type of records, such as MX, A, AAAA or SRV`)
  const client = parameters.get('client') ?? nobody
  const peer = parseAddress(client)
  if (peer === null) return bad(`client: ${quote(client)} is no address such as 198.51.100.7`)
  const ecs = parameters.get('ecs')
  const subnet = ecs === null ? null : parseNetwork(ecs)
  if (subnet?.kind === 'bad') return bad(`ecs: ${subnet.why}`)
  return { name: name.name, type, peer: peer.octets, subnet }
}

const bad = (why: string): { readonly why: string } => ({ why })

const quote = (text: string): string => JSON.stringify(text.slice(0, 60))
