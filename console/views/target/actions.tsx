// What can be done with a target: probe it now, and what operators order. Nothing is changed before the server says so.

import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

import { shown } from '../../parts/shown.ts'
import { toast } from '../../shell/toast.tsx'
import { ask } from '../../store/api.ts'
import { isStale } from '../../store/live.ts'
import type { AddressDetail, TargetReply } from '../../store/rows.ts'

interface ActionsProps {
  readonly reply: TargetReply
  readonly address: AddressDetail | null
  readonly again: () => void
}

export function Actions({ reply: { zone, target }, address, again }: ActionsProps): VNode {
  const [isProbing, setProbing] = useState(false)
  const probe = async (): Promise<void> => {
    setProbing(true)
    const query = new URLSearchParams({ zone })
    const outcome = await ask(`targets/${encodeURIComponent(target)}/probe?${query}`, {
      method: 'POST',
      body: {},
    })
    setProbing(false)
    if (outcome.kind === 'refused') toast({ text: shown(outcome.message) })
    else if (outcome.kind === 'unreachable') toast({ text: `Not probed: ${outcome.why}` })
    else {
      toast({ text: `${shown(target)} is probed now.` })
      setTimeout(again, 1500)
    }
  }
  return (
    <span class="push actions">
      {address && (
        <button
          type="button"
          class="button"
          disabled={isProbing || isStale.value}
          onClick={() => void probe()}
        >
          Probe now
        </button>
      )}
    </span>
  )
}
