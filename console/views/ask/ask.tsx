// Ask: why a client is answered what it is, as the code that answers decides it now.

import type { VNode } from 'preact'

import { InTerminal } from '../../parts/card.tsx'
import { poolHue } from '../../parts/pool-hue.ts'
import { Refusal } from '../../parts/refusal.tsx'
import { go, href } from '../../shell/route.ts'
import { ViewHead } from '../../shell/view-head.tsx'
import { serverNowMs } from '../../store/live.ts'
import { useReply } from '../../store/use-reply.ts'
import type { Explanation } from '../../../src/explain/explain.ts'
import type { ViewProps } from '../../shell/view-row.ts'
import '../../parts/plain-table.css'
import './ask.css'
import { Clients } from './clients.tsx'
import { Comparison } from './comparison.tsx'
import { Findings } from './findings.tsx'
import { Flow } from './flow.tsx'
import { CompareForm, QuestionForm } from './question-form.tsx'
import { bareName, type AskedQuestion, explainCommand } from './words.ts'

export function Ask({ query }: ViewProps): VNode {
  const question = questionOf(query)
  const other = otherOf(query, question)
  const first = useReply<Explanation>(pathOf(question))
  const second = useReply<Explanation>(other && pathOf(other))
  const askFor = (next: AskedQuestion): void => {
    if (sameQuestion(next, question)) first.again()
    else go(href(['ask'], { ...next }))
  }
  const compareWith = (client: string, ecs: string): void =>
    go(href(['ask'], { ...question, with: client, 'with-ecs': ecs }))
  return (
    <>
      <ViewHead title="Ask" />
      <QuestionForm question={question} onAsk={askFor} />
      <Clients
        question={question}
        isSteered={first.value !== null && first.value.steering !== null}
        onAsk={askFor}
      />
      <Refusal reply={first.reply} />
      <div class="asked" aria-busy={first.isAsking}>
        {first.value !== null && question.name !== '' && (
          <>
            <Flow explanation={first.value} hueOf={poolHue} atMs={serverNowMs.peek()} />
            <Findings explanation={first.value} />
            <CompareForm other={other} onCompare={compareWith} />
            <Refusal reply={second.reply} />
            {second.value !== null && other !== null && (
              <Comparison first={first.value} second={second.value} />
            )}
          </>
        )}
        {question.name === '' && (
          <p class="card nothing">
            Give a name, and the address of who asks: the rules, the pools and the weights that
            decide are drawn from there to the answer.
          </p>
        )}
      </div>
      <InTerminal command={commandOf(question, other)} />
    </>
  )
}

const questionOf = (query: URLSearchParams): AskedQuestion => ({
  name: query.get('name') ?? '',
  type: query.get('type') ?? 'MX',
  client: query.get('client') ?? '',
  ecs: query.get('ecs') ?? '',
})

function otherOf(query: URLSearchParams, question: AskedQuestion): AskedQuestion | null {
  const client = query.get('with') ?? ''
  const ecs = query.get('with-ecs') ?? ''
  return client === '' && ecs === '' ? null : { ...question, client, ecs }
}

const sameQuestion = (a: AskedQuestion, b: AskedQuestion): boolean =>
  a.name === b.name && a.type === b.type && a.client === b.client && a.ecs === b.ecs

/** null: there is nothing to ask yet. */
export function pathOf({ name, type, client, ecs }: AskedQuestion): string | null {
  if (name === '') return null
  const given = Object.entries({ name, type, client, ecs }).filter(([, value]) => value !== '')
  return `explain?${new URLSearchParams(given)}`
}

function commandOf(question: AskedQuestion, other: AskedQuestion | null): string {
  const named = question.name === '' ? { ...question, name: 'NAME' } : question
  const second = other === null ? '' : `\n${explainCommand(other)}`
  return `${explainCommand({ ...named, name: bareName(named.name) })}${second}`
}
