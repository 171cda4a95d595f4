// A dialogue of a probe as a transcript: when, in which direction, and what was said, below a bar of its phases.

import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

import type { DialogueLine } from '../../../src/health/outcome.ts'
import { Card } from '../../parts/card.tsx'
import { clockTime, localTime, milliseconds } from '../../parts/figures.ts'
import { reasonWords, shown } from '../../parts/shown.ts'
import type { AddressDetail, OutcomeView } from '../../store/rows.ts'

interface Phase {
  readonly name: 'connect' | 'greeting' | 'EHLO' | 'TLS' | 'goodbye'
  readonly ms: number
}

/** How long each phase took, as the lines tell it; what failed has those that it came to. */
export function phasesOf(lines: readonly DialogueLine[], durationMs: number): readonly Phase[] {
  const marks: { name: Phase['name']; endMs: number }[] = []
  let next = 'connect' as Phase['name']
  const end = (atMs: number, then: Phase['name']): void => {
    marks.push({ name: next, endMs: atMs })
    next = then
  }
  for (const { from, text, atMs } of lines) {
    if (next === 'connect' && from === '*' && text === 'connected') end(atMs, 'greeting')
    else if (next === 'greeting' && from === '>') end(atMs, 'EHLO')
    else if (from === '>' && text === 'STARTTLS') end(atMs, 'TLS')
    else if (next === 'TLS' && from === '>') end(atMs, 'EHLO')
    else if (from === '>' && text === 'QUIT') end(atMs, 'goodbye')
  }
  const lastMs = Math.max(durationMs, lines.at(-1)?.atMs ?? 0)
  marks.push({ name: next, endMs: lastMs })
  return marks.map(({ name, endMs }, i) => ({
    name,
    ms: Math.max(0, endMs - (marks[i - 1]?.endMs ?? 0)),
  }))
}

const tabs = ['last', 'lastFailure'] as const

export function Dialogue({ address }: { address: AddressDetail }): VNode {
  const [chosen, choose] = useState<(typeof tabs)[number]>('last')
  const outcome = address[chosen]
  const hasFailure = address.lastFailure !== null
  return (
    <Card
      title={hasFailure ? <Tabs chosen={chosen} choose={choose} /> : 'Last dialogue'}
      aside={outcome && <Summary outcome={outcome} />}
    >
      {outcome === null ? (
        <p class="dim">
          {address.state === 'unknown' ? 'No probe has ended yet.' : 'None since the start.'}
        </p>
      ) : (
        <Transcript outcome={outcome} />
      )}
    </Card>
  )
}

function Tabs({
  chosen,
  choose,
}: {
  chosen: (typeof tabs)[number]
  choose: (tab: (typeof tabs)[number]) => void
}): VNode {
  return (
    <span class="tabs">
      {tabs.map((tab) => (
        <button key={tab} type="button" aria-pressed={tab === chosen} onClick={() => choose(tab)}>
          {tab === 'last' ? 'Last dialogue' : 'Last failure'}
        </button>
      ))}
    </span>
  )
}

function Summary({ outcome: { at, kind, reason, durationMs } }: { outcome: OutcomeView }): VNode {
  const words = kind === reason ? kind : `${kind}, ${reasonWords(reason)}`
  return (
    <span title={at === null ? undefined : localTime(at)}>
      {at !== null && `${clockTime(at)} UTC · `}
      {words} · {milliseconds(durationMs)} ms
    </span>
  )
}

const codeTone = (text: string): string => {
  const [, digit] = /^([245])\d\d\b/.exec(text) ?? []
  return digit === undefined ? '' : `code-${digit}`
}

function Transcript({ outcome }: { outcome: OutcomeView }): VNode {
  const { dialogue, durationMs } = outcome
  const phases = phasesOf(dialogue, durationMs)
  return (
    <>
      <div class="phases" aria-hidden="true">
        {phases.map(({ name, ms }, i) => (
          <i key={i} class={`phase-${name}`} style={{ flexGrow: ms }} />
        ))}
      </div>
      <ul class="phase-names">
        {phases.map(({ name, ms }, i) => (
          <li key={i}>
            <i class={`phase-${name}`} aria-hidden="true" />
            {name} {milliseconds(ms)} ms
          </li>
        ))}
      </ul>
      <div class="script" role="region" aria-label="Transcript" tabIndex={0}>
        <ol>
          {dialogue.map(({ atMs, from, text }, i) => (
            <li key={i}>
              <span class="when">{milliseconds(atMs)} ms</span>
              <span class="way">{ways[from].sign}</span>
              <span class="visually-hidden">{ways[from].words}: </span>
              <span class={`line ${from === '<' ? codeTone(text) : ways[from].tone}`}>
                {shown(text)}
              </span>
            </li>
          ))}
        </ol>
      </div>
    </>
  )
}

const ways = {
  '<': { sign: '←', words: 'from the target', tone: '' },
  '>': { sign: '→', words: 'to the target', tone: 'ours' },
  '*': { sign: '·', words: 'of the connection', tone: 'event' },
} as const
