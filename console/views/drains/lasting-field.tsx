// How long an override is to last: one of the usual times, or a day and hour.

import type { VNode } from 'preact'

import { serverNowMs } from '../../store/live.ts'
import { type Lasting, lastingChoices } from './override-words.ts'

export function LastingField({
  lasting,
  onChange,
  isOpenPossible,
}: {
  lasting: Lasting
  onChange: (lasting: Lasting) => void
  isOpenPossible: boolean
}): VNode {
  return (
    <fieldset class="lasting">
      <legend>For</legend>
      <div class="chips">
        {lastingChoices.map(({ seconds, text }) => (
          <button
            key={seconds}
            type="button"
            class="chip"
            aria-pressed={lasting.kind === 'seconds' && lasting.seconds === seconds}
            onClick={() => onChange({ kind: 'seconds', seconds })}
          >
            {text}
          </button>
        ))}
        <button
          type="button"
          class="chip"
          aria-pressed={lasting.kind === 'until'}
          onClick={() => onChange({ kind: 'until', until: nextHour(serverNowMs.value) })}
        >
          Until…
        </button>
        {isOpenPossible && (
          <button
            type="button"
            class="chip"
            aria-pressed={lasting.kind === 'open'}
            onClick={() => onChange({ kind: 'open' })}
          >
            Until undone
          </button>
        )}
      </div>
      {lasting.kind === 'until' && (
        <label class="field">
          Until, UTC
          <input
            type="datetime-local"
            required
            value={lasting.until}
            onInput={({ currentTarget }) => onChange({ kind: 'until', until: currentTarget.value })}
          />
        </label>
      )}
    </fieldset>
  )
}

/** A whole hour, two to three hours from now, as such a field has it. */
const nextHour = (nowMs: number): string =>
  new Date(Math.ceil(nowMs / 3_600_000 + 2) * 3_600_000).toISOString().slice(0, 16)
