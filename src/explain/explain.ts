// One question explained, stage by stage, as plain data that people and scripts read: JSON of `/explain`.

import type { TargetAddresses } from '../steer/policy.ts'
import { nameToText } from '../wire/name.ts'
import { rcodeToText } from '../wire/rcode.ts'
import { typeToText } from '../wire/rrtype.ts'
import { type World, createAsk } from './ask.ts'
import { type AddressView, addressViews } from './pool-view.ts'
import { type ClientView, type Databases, clientView } from './client-view.ts'
import type { Question } from './question.ts'
import { answerRecords } from './record-texts.ts'
import { type ScopeView, scopeView } from './scope-view.ts'
import { type Steered, type SteeringView, steeringView } from './steering-view.ts'
import type { Step } from './steps.ts'
import { type TtlView, ownTtlView, ttlView } from './ttl-view.ts'

export interface Explanation {
  readonly question: { readonly name: string; readonly type: string }
  readonly steps: readonly Step[]
  readonly client: ClientView
  /** null: nothing in the answer is steered by a policy. */
  readonly steering: SteeringView | null
  /** null: it is no target's own name. */
  readonly own: OwnView | null
  readonly ttl: TtlView | null
  readonly scope: ScopeView
  /** One answer, as it would be drawn now. */
  readonly answer: { readonly rcode: string; readonly records: readonly string[] }
}

export interface OwnView {
  readonly target: string
  readonly answers: number | null
  readonly addresses: readonly AddressView[]
}

export interface Explaining extends World, Databases, Steered {}

const steadyAttempts = 3

/** Health may change in between: then once more, so that all parts speak of the same. */
export function explain(explaining: Explaining, question: Question): Explanation {
  const { health } = explaining
  for (let attempt = 1; ; attempt++) {
    const before = health.generation()
    const explanation = explainNow(explaining, question)
    if (health.generation() === before || attempt === steadyAttempts) return explanation
  }
}

function explainNow(explaining: Explaining, question: Question): Explanation {
  const asked = createAsk(explaining, explaining.random)(question)
  const set = asked.found?.set ?? null
  const isOwn = set?.kind === 'target-address'
  const ttl = asked.entries.find((one) => one.section === 'answer' && one.type === set?.type)?.ttl
  return {
    question: { name: nameToText(question.name), type: typeToText(question.type) },
    steps: asked.steps,
    client: clientView(explaining, question, asked.locus),
    steering: set === null || isOwn ? null : steeringView(explaining, set, asked.locus),
    own: isOwn ? ownView(explaining, set) : null,
    ttl:
      ttl === undefined || set === null
        ? null
        : isOwn
          ? ownTtlView(set, explaining.health, ttl)
          : ttlView(set, asked.locus, explaining.health, ttl),
    scope: scopeView(question, asked, explaining.scopes),
    answer: { rcode: rcodeToText(asked.rcode), records: answerRecords(question, asked.entries) },
  }
}

function ownView({ health, ...sources }: Explaining, set: TargetAddresses): OwnView {
  const { target, memberships, type, answers } = set
  return {
    target: target.name,
    answers: Number.isFinite(answers) ? answers : null,
    addresses: addressViews(memberships, target, type, { health, sources }),
  }
}
