// What can be done with a target: probe it now, and what operators order. Nothing is changed before the server says so.

import type { VNode } from 'preact'
import { useLayoutEffect, useState } from 'preact/hooks'

import { shown } from '../../parts/shown.ts'
import { bindKeys } from '../../shell/keys.ts'
import { toast } from '../../shell/toast.tsx'
import { ask } from '../../store/api.ts'
import { isStale } from '../../store/live.ts'
import type { AddressDetail, TargetReply } from '../../store/rows.ts'
import { openOverride } from '../drains/override-dialog.tsx'

interface ActionsProps {
  readonly reply: TargetReply
  readonly address: AddressDetail | null
  readonly again: () => void
}

const orders = [
  { kind: 'drain', label: 'Drain…' },
  { kind: 'weight', label: 'Set weight…' },
  { kind: 'up', label: 'Take as up…' },
  { kind: 'disable', label: 'Disable…' },
] as const

export function Actions({ reply: { zone, target }, address, again }: ActionsProps): VNode {
  useLayoutEffect(
    () =>
      bindKeys([
        {
          keys: 'd',
          does: `drain ${shown(target)}`,
          run: () => openOverride({ zone, target, pool: null, kind: 'drain' }),
        },
      ]),
    [zone, target],
  )
  return (
    <span class="push actions">
      {address && <ProbeNow zone={zone} target={target} again={again} />}
      {orders.map(({ kind, label }) => (
        <button
          key={kind}
          type="button"
          class="button"
          disabled={isStale.value}
          onClick={() => openOverride({ zone, target, pool: null, kind })}
        >
          {label}
        </button>
      ))}
    </span>
  )
}

interface ProbeNowProps extends Pick<TargetReply, 'zone' | 'target'> {
  readonly again: () => void
}

function ProbeNow({ zone, target, again }: ProbeNowProps): VNode {
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
      // What it finds comes with the next question, which a changed state asks at once.
      setTimeout(again, 1500)
    }
  }
  return (
    <button
      type="button"
      class="button"
      disabled={isProbing || isStale.value}
      onClick={() => void probe()}
    >
      Probe now
    </button>
  )
}
