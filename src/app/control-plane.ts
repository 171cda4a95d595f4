// What an operator may say to the running server, put together: overrides, who keeps them, what they come to.

import { randomBytes } from 'node:crypto'

import { type AdminListener, listenAdmin } from '../admin/http.ts'
import type { OverrideSources } from '../metrics/override-metrics.ts'
import { type PoolShares, createPoolShares } from '../metrics/pool-shares.ts'
import { type AdminSources, adminRoutes } from '../admin/routes.ts'
import { writeAccess } from '../admin/access.ts'
import type { LoadedTarget } from '../zonefile/load-zones.ts'
import type { Settings } from '../settings/settings.ts'
import type { HealthWriter } from '../health/table.ts'
import type { IdentityWatch } from '../reputation/reputation-watch.ts'
import type { KeptState } from './persistent-state.ts'
import { type Random, systemClock, systemTimer } from '../lib/clock.ts'
import type { Log } from './log.ts'
import { overrideEvents, logFeedback } from './component-events.ts'
import { type AgentWatch, type WatchedAgent, createAgentWatch } from '../weights/agent-watch.ts'
import {
  type FeedbackBook,
  type FeedbackTold,
  type NamedTarget,
  createFeedbackBook,
} from '../weights/feedback-registry.ts'
import { watchedMembers } from '../weights/member-state.ts'
import { createMemberWatch } from '../weights/member-watch.ts'
import type { SharedState } from './cluster-link.ts'
import type { Endpoint } from '../lib/ip.ts'
import type { Workers } from '../transport/worker/workers.ts'

/** What MTAs say of themselves. */
interface ToldSources {
  readonly book: FeedbackBook
  readonly agentAnswers: AgentWatch['counts']
  readonly effectOf: FeedbackBook['effectOf']
  readonly targets: () => readonly NamedTarget[]
}

export interface Operator {
  readonly overrides: OverrideSources
  readonly shares: PoolShares
  readonly feedback: ToldSources
  /** Replaces the targets that may be overridden. */
  watch(targets: readonly LoadedTarget[]): void
  stop(): void
}

interface OperatorNeeds {
  readonly table: HealthWriter
  readonly workers: Workers
  readonly log: Log
  readonly reputation: Pick<IdentityWatch, 'shareOf' | 'onChange'>
  readonly state: KeptState
  readonly shared: SharedState
  readonly random: Random
}

export function createOperator(needs: OperatorNeeds): Operator {
  const { table, log, reputation, state, random } = needs
  const { counters } = needs.workers
  // Those that a store keeps are not to come back from a file: another instance may have undone them.
  const { overrides } = needs.shared
  const exchange = overrides.isPersistent ? overrides : state.keep(overrides)
  const told = hearTargets(log, random, needs.shared)
  const logged = overrideEvents(log)
  const watch = createMemberWatch({
    table,
    clock: systemClock,
    exchange,
    feedback: told.sources.book,
    reputation,
    // What was handed out until now went by the weights until now.
    onSet(override, from) {
      logged.onSet(override, from)
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
    overrides: overrideSources(watch, counters),
    feedback: told.sources,
    watch(targets) {
      state.availability.watch(targets)
      told.watch(targets)
      watch.watch(watchedMembers(targets))
    },
    stop() {
      told.stop()
      watch.stop()
      shares.close()
    },
  }
}

const overrideSources = (
  watch: OverrideSources['watch'],
  counters: Workers['counters'],
): OverrideSources => ({
  watch,
  exposedUntilMs: (target) =>
    Math.max(0, ...counters.map(({ answerCounts }) => answerCounts.exposedUntilMs(target))),
  wallMs: () => systemClock.wallMs(),
  newId: () => randomBytes(4).toString('hex'),
})

interface HeardTargets {
  readonly sources: ToldSources
  watch(targets: readonly LoadedTarget[]): void
  stop(): void
}

function hearTargets(log: Log, random: Random, shared: SharedState): HeardTargets {
  const onEffect = (...told: Parameters<FeedbackTold>): void => logFeedback(log, ...told)
  const book = createFeedbackBook(systemClock, systemTimer, onEffect, shared.feedback)
  const agents = createAgentWatch({
    clock: systemClock,
    random,
    book,
    isAskedHere: ({ zone, target }) =>
      shared.feedback === null || shared.exchange.isProbedHere(`agent ${zone} ${target}`),
  })
  let names: readonly NamedTarget[] = []
  return {
    sources: {
      book,
      agentAnswers: () => agents.counts(),
      effectOf: (of) => book.effectOf(of),
      targets: () => names,
    },
    watch(targets) {
      names = targets.map(({ zone, target }) => ({ zone, target: target.name }))
      book.keep(names)
      agents.watch(targets.flatMap(watchedAgents))
    },
    stop() {
      book.stop()
      void agents.stop()
    },
  }
}

const watchedAgents = ({ zone, target, agent }: LoadedTarget): readonly WatchedAgent[] =>
  agent === null ? [] : [{ zone, target: target.name, agent }]

export function listenOperator(
  endpoint: Endpoint,
  sources: AdminSources,
  { adminToken, loadToken }: Pick<Settings, 'adminToken' | 'loadToken'>,
): Promise<AdminListener> {
  const access = { writes: writeAccess(endpoint, adminToken), loadToken }
  return listenAdmin(endpoint, { routes: adminRoutes, sources, access })
}
