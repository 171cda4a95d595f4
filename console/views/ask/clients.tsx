// Examples of clients to ask for: one of each class that the rules of the name tell apart.

import type { VNode } from 'preact'

import type { WhoView } from '../../../src/explain/who.ts'
import { placeWords } from '../../parts/place-words.ts'
import { useReply } from '../../store/use-reply.ts'
import type { AskedQuestion } from './words.ts'

interface ClientsProps {
  readonly question: AskedQuestion
  /** What is not steered has no classes of clients. */
  readonly isSteered: boolean
  readonly onAsk: (question: AskedQuestion) => void
}

/** More do not help to choose. */
const mostChips = 8

export function Clients({ question, isSteered, onAsk }: ClientsProps): VNode | null {
  const { name, type } = question
  const { reply } = useReply<WhoView>(
    name === '' || !isSteered ? null : `who?${new URLSearchParams({ name, type })}`,
  )
  if (reply?.kind !== 'answered') return null
  const examples = reply.value.classes.flatMap(({ labels, example }) =>
    example === null ? [] : [{ label: labels.map(placeWords).join('; '), example }],
  )
  if (examples.length === 0) return null
  return (
    <div class="chips ask-clients" role="group" aria-label="A client of">
      {examples.slice(0, mostChips).map(({ label, example }) => (
        <button
          key={label}
          type="button"
          class="chip"
          aria-pressed={question.client === example && question.ecs === ''}
          onClick={() => onAsk({ ...question, client: example, ecs: '' })}
        >
          {label}
        </button>
      ))}
    </div>
  )
}
