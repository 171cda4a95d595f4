// What is asked, and by whom; steered names complete while they are typed.

import type { VNode } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'

import type { NamesView } from '../../../src/admin/views/zones-view.ts'
import { shown } from '../../parts/shown.ts'
import { useReply } from '../../store/use-reply.ts'
import type { AskedQuestion } from './words.ts'

interface QuestionFormProps {
  readonly question: AskedQuestion
  readonly onAsk: (question: AskedQuestion) => void
}

export const askedTypes = [
  'MX',
  'A',
  'AAAA',
  'SRV',
  'TXT',
  'NS',
  'SOA',
  'CNAME',
  'TLSA',
  'ANY',
] as const

export function QuestionForm({ question, onAsk }: QuestionFormProps): VNode {
  const [typed, setTyped] = useState(question.name)
  const form = useFilled({ ...question })
  const isOther = !askedTypes.some((one) => one === question.type)
  return (
    <form
      ref={form}
      class="card ask-bar"
      onSubmit={(event) => {
        event.preventDefault()
        const data = new FormData(event.currentTarget)
        onAsk({
          name: fieldOf(data, 'name'),
          type: fieldOf(data, 'type'),
          client: fieldOf(data, 'client'),
          ecs: fieldOf(data, 'ecs'),
        })
      }}
    >
      <label class="field">
        Name
        <input
          class="mono"
          name="name"
          onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          list="steered-names"
          required
          maxLength={255}
          {...plainInput}
        />
      </label>
      <SteeredNames typed={typed} />
      <label class="field">
        Type
        <select name="type">
          {isOther && <option>{question.type}</option>}
          {askedTypes.map((type) => (
            <option key={type}>{type}</option>
          ))}
        </select>
      </label>
      <ClientFields />
      <button type="submit" class="button primary">
        Ask <kbd aria-hidden="true">↵</kbd>
      </button>
    </form>
  )
}

/** Writes the values into the fields of their names whenever the address of the page changes them; the focus stays. */
function useFilled(values: Readonly<Record<string, string>>): { current: HTMLFormElement | null } {
  const form = useRef<HTMLFormElement>(null)
  const text = new URLSearchParams(values).toString()
  useLayoutEffect(() => {
    for (const [name, value] of new URLSearchParams(text)) {
      const field = form.current?.elements.namedItem(name)
      if (field instanceof HTMLInputElement || field instanceof HTMLSelectElement)
        field.value = value
    }
  }, [text])
  return form
}

const plainInput = { autocomplete: 'off', autocapitalize: 'off', spellcheck: false } as const

const fieldOf = (data: FormData, name: string): string => {
  const value = data.get(name)
  return typeof value === 'string' ? value.trim() : ''
}

const ClientFields = (): VNode => (
  <>
    <label class="field">
      Client
      <input
        class="mono"
        name="client"
        placeholder="0.0.0.0, place not known"
        maxLength={45}
        {...plainInput}
      />
    </label>
    <label class="field">
      Client subnet (ECS)
      <input class="mono" name="ecs" placeholder="none" maxLength={49} {...plainInput} />
    </label>
  </>
)

/** As the browser completes: it has a list of its own, by keyboard and by finger. */
function SteeredNames({ typed }: { readonly typed: string }): VNode {
  const { value } = useReply<NamesView>(
    `names?${new URLSearchParams({ prefix: typed.trim(), limit: '50' })}`,
  )
  return (
    <datalist id="steered-names">
      {(value?.names ?? []).map(({ name, type, policy }) => (
        <option key={`${name} ${type}`} value={name}>
          {`${type}, policy ${shown(policy)}`}
        </option>
      ))}
    </datalist>
  )
}

interface CompareFormProps {
  readonly other: AskedQuestion | null
  readonly onCompare: (client: string, ecs: string) => void
}

export const CompareForm = ({ other, onCompare }: CompareFormProps): VNode => (
  <form
    ref={useFilled({ client: other?.client ?? '', ecs: other?.ecs ?? '' })}
    class="card ask-bar compare"
    aria-label="Compare with another client"
    onSubmit={(event) => {
      event.preventDefault()
      const data = new FormData(event.currentTarget)
      onCompare(fieldOf(data, 'client'), fieldOf(data, 'ecs'))
    }}
  >
    <p class="mid">How would another client be answered?</p>
    <ClientFields />
    <button type="submit" class="button">
      Compare
    </button>
  </form>
)
