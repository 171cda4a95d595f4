// One question explained, stage by stage, as plain data that people and scripts read: JSON of `/explain`.

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
  /** null: it is no target's own name. */
  readonly own: TargetNameView | null
  readonly ttl: TtlView | null
  readonly scope: ScopeView
  /** One answer, as it would be drawn now. */
  readonly answer: { readonly rcode: string; readonly records: readonly string[] }
}

export interface TargetNameView {
  readonly target: string
  readonly answers: number | null
  readonly addresses: readonly AddressView[]
}

export interface ExplainContext extends DryRunContext, GeoipDatabases, SteeringSources {}

const steadyAttempts = 3

/** Health may change in between: then once more, so that all parts speak of the same. */
export function explain(explaining: ExplainContext, question: Question): Explanation {
  const { health } = explaining
  for (let attempt = 1; ; attempt++) {
    const before = health.generation()
    const explanation = explainNow(explaining, question)
    if (health.generation() === before || attempt === steadyAttempts) return explanation
  }
}

function explainNow(explaining: ExplainContext, question: Question): Explanation {
  const asked = createDryRun(explaining, explaining.random)(question)
  const set = asked.found?.set ?? null
  const isOwn = set?.kind === 'target-address'
  const ttl = asked.entries.find((one) => one.section === 'answer' && one.type === set?.type)?.ttl
  return {
    question: { name: nameToText(question.name), type: typeToText(question.type) },
    steps: asked.steps,
    client: clientView(explaining, question, asked.locus),
    steering: set === null || isOwn ? null : steeringView(explaining, set, asked.locus),
    own: isOwn ? targetNameView(explaining, set) : null,
    ttl:
      ttl === undefined || set === null
        ? null
        : isOwn
          ? targetTtlView(set, explaining.health, ttl)
          : ttlView(set, asked.locus, explaining.health, ttl),
    scope: scopeView(question, asked, explaining.scopes),
    answer: { rcode: rcodeToText(asked.rcode), records: answerRecords(question, asked.entries) },
  }
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

// The records of a plan as text, as dig would show them.

/** Of the answer section: owner, TTL, type and data. */
const answerRecords = (question: Question, entries: readonly PlanEntry[]): readonly string[] =>
  entries
    .filter(({ section }) => section === 'answer')
    .flatMap((entry) => {
      const owner = nameToText(entry.owner ?? question.name)
      return rdataTexts(entry).map(
        (data) => `${owner} ${entry.ttl} ${typeToText(entry.type)} ${data}`,
      )
    })

const rdataTexts = ({ type, rdata, rungs, addresses }: PlanEntry): readonly string[] => [
  ...rdata.map(({ octets }) => formatRdata(type, octets)),
  ...rungs.map(({ preference, target }) => `${preference} ${nameToText(target.owner)}`),
  ...addresses.map(({ address }) => address.text),
]

// The scope of the answer (RFC 7871), and why it is that long.

export interface ScopeView {
  /** As the answer has it, or would have it if a client subnet were told. */
  readonly prefixLength: number
  readonly why:
    /** Nothing in the answer is steered by who asks. */
    | 'not-steered'
    /** One rule, for everyone. */
    | 'same-for-all'
    /** A source of /0: the client wants to be nobody. */
    | 'anonymous'
    | 'sticky'
    /** One bit shorter, there are clients of another rule. */
    | 'border'
    /** Every client of the family gets the same rule. */
    | 'one-rule'
    /** There are borders closer by than scopes are told. */
    | 'cap'
  /** Whether the question told of a subnet, so that the answer tells this. */
  readonly isTold: boolean
}

function scopeView(question: Question, asked: DryRunResult, scopes: Scopes): ScopeView {
  const isTold = question.subnet !== null
  const set = asked.found?.set
  if (set === undefined || set.kind === 'target-address')
    return { prefixLength: 0, why: 'not-steered', isTold }
  if (question.subnet?.prefixLength === 0) return { prefixLength: 0, why: 'anonymous', isTold }
  if (!dependsOnClient(set)) return { prefixLength: 0, why: 'same-for-all', isTold }
  const prefixLength = isTold
    ? asked.scopePrefixLength
    : scopes.prefixLength(set, asked.locus.octets)
  const isSticky = set.kind !== 'steered-srv' && set.sticky
  const isCap = prefixLength >= scopeCap(asked.locus.octets.length)
  const why = isSticky ? 'sticky' : prefixLength === 0 ? 'one-rule' : isCap ? 'cap' : 'border'
  return { prefixLength, why, isTold }
}
