// One question explained stage by stage, as plain data. The types of this folder named …View, with
// Explanation and Step, are the JSON of /explain: their field names are a contract.

import type { PlanEntry } from '../answer/plan.ts'
import type { TargetAddresses } from '../steer/policy.ts'
import { scopeCap } from '../steer/scope/scope-map.ts'
import { dependsOnClient, type Scopes } from '../steer/scope/scope-cache.ts'
import { nameToText } from '../wire/name.ts'
import { rcodeToText } from '../wire/rcode.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { typeToText } from '../wire/rrtype.ts'
import { type DryRunResult, createDryRun, type DryRunContext } from './dry-run.ts'
import { type ClientView, clientView, type GeoipDatabases } from './client-view.ts'
import { type AddressView, addressViews } from './pool-view.ts'
import type { Question } from './question.ts'
import { type SteeringSources, type SteeringView, steeringView } from './steering-view.ts'
import type { Step } from './lookup-steps.ts'
import { targetTtlView, type TtlView, ttlView } from './ttl-view.ts'

export interface Explanation {
  readonly question: { readonly name: string; readonly type: string }
  readonly steps: readonly Step[]
  readonly client: ClientView
  /** null: nothing in the answer is steered by a policy. */
  readonly steering: SteeringView | null
  /** The target whose own name was queried; null: it is no target's name. */
  readonly own: TargetNameView | null
  readonly ttl: TtlView | null
  readonly scope: ScopeView
  /** One answer, drawn at the time of the call. */
  readonly answer: { readonly rcode: string; readonly records: readonly string[] }
}

export interface TargetNameView {
  readonly target: string
  readonly answers: number | null
  readonly addresses: readonly AddressView[]
}

export interface ExplainContext extends DryRunContext, GeoipDatabases, SteeringSources {}

const steadyAttempts = 3

/**
 * Starts again if health changes meanwhile, three times at most, so that all parts describe the
 * same state.
 */
export function explain(context: ExplainContext, question: Question): Explanation {
  const { health } = context
  for (let attempt = 1; ; attempt++) {
    const before = health.generation()
    const explanation = explainNow(context, question)
    if (health.generation() === before || attempt === steadyAttempts) return explanation
  }
}

/** All of it at one time: what is drawn by the clock is the same in each part. */
function explainNow(now: ExplainContext, question: Question): Explanation {
  const nowMs = now.clock.wallMs()
  const context = { ...now, clock: { wallMs: () => nowMs } }
  const run = createDryRun(context, context.random)(question)
  const set = run.found?.set ?? null
  const isOwn = set?.kind === 'target-address'
  const ttl = run.entries.find((one) => one.section === 'answer' && one.type === set?.type)?.ttl
  const steering = set === null || isOwn ? null : steeringView(context, set, run.locus)
  return {
    question: { name: nameToText(question.name), type: typeToText(question.type) },
    steps: run.steps,
    client: clientView(context, question, run.locus),
    steering,
    own: isOwn ? targetNameView(context, set) : null,
    ttl:
      ttl === undefined || set === null
        ? null
        : isOwn
          ? targetTtlView(set, context.health, ttl)
          : limitedByEpoch(steering, ttlView(set, run.locus, context.health, ttl)),
    scope: scopeView(question, run, context.scopes),
    answer: { rcode: rcodeToText(run.rcode), records: answerRecords(question, run.entries) },
  }
}

/** Of a slot near the end of its epoch. */
function limitedByEpoch(steering: SteeringView | null, view: TtlView): TtlView {
  const left = steering?.slot?.secondsLeft ?? Infinity
  const isLimit = view.seconds < view.most && left === view.seconds
  return isLimit ? { ...view, limit: 'epoch', by: null } : view
}

function targetNameView(
  { health, ...sources }: ExplainContext,
  set: TargetAddresses,
): TargetNameView {
  const { target, memberships, type, answers } = set
  return {
    target: target.name,
    answers: Number.isFinite(answers) ? answers : null,
    addresses: addressViews(memberships, target, type, { health, sources }),
  }
}

/** The answer section in presentation format: owner, TTL, type and data. */
const answerRecords = (question: Question, entries: readonly PlanEntry[]): readonly string[] =>
  entries
    .filter(({ section }) => section === 'answer')
    .flatMap((entry) => {
      const owner = nameToText(entry.owner ?? question.name)
      const { type, ttl, rdata } = entry
      return rdata.map(
        ({ octets }) => `${owner} ${ttl} ${typeToText(type)} ${formatRdata(type, octets)}`,
      )
    })

// The scope of the answer (RFC 7871), and why it is that long.

export interface ScopeView {
  /**
   * Scope prefix length of the answer, or of the answer to the same question with a client subnet.
   */
  readonly prefixLength: number
  readonly why:
    /** The answer does not depend on the client. */
    | 'not-steered'
    /** The policy has one rule for all clients. */
    | 'same-for-all'
    /**
     * The question has a source prefix of /0: the client does not want to be located (RFC 7871
     * §7.1.2).
     */
    | 'anonymous'
    /** A sticky set: answers differ from client to client. */
    | 'sticky'
    /** One bit shorter, the prefix would include clients of another rule. */
    | 'border'
    /** Every client of the family gets the same rule. */
    | 'one-rule'
    /** Clients of another rule are closer than the longest scope that is sent. */
    | 'cap'
  /** Whether the question has a client subnet, so that the answer carries this scope. */
  readonly isTold: boolean
}

function scopeView(question: Question, run: DryRunResult, scopes: Scopes): ScopeView {
  const isTold = question.subnet !== null
  const set = run.found?.set
  if (set === undefined || set.kind === 'target-address')
    return { prefixLength: 0, why: 'not-steered', isTold }
  if (question.subnet?.prefixLength === 0) return { prefixLength: 0, why: 'anonymous', isTold }
  if (!dependsOnClient(set)) return { prefixLength: 0, why: 'same-for-all', isTold }
  const prefixLength = isTold ? run.scopePrefixLength : scopes.prefixLength(set, run.locus.octets)
  const isSticky = set.kind !== 'steered-srv' && set.sticky
  const isCap = prefixLength >= scopeCap(run.locus.octets.length)
  const why = isSticky ? 'sticky' : prefixLength === 0 ? 'one-rule' : isCap ? 'cap' : 'border'
  return { prefixLength, why, isTold }
}
