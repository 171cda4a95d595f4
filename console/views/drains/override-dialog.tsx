// The one way to an override: what it will come to, why, and until when. What was set stands in a toast that undoes it.
// Nothing is shown as done before the server says so.

import './drains.css'

import type { ComponentChildren, VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'

import type { OverrideRow } from '../../../src/admin/override-view.ts'
import { shortTime } from '../../parts/figures.ts'
import { shown } from '../../parts/shown.ts'
import { closeDialog, openDialog } from '../../shell/dialog.tsx'
import { SignInForm } from '../../shell/sign-in.tsx'
import { say, toast } from '../../shell/toast.tsx'
import { type ApiReply, ask } from '../../store/api.ts'
import { isStale, refresh, serverNowMs } from '../../store/live.ts'
import {
  author,
  learnSession,
  mayWrite,
  refusalText,
  rememberedName,
  rememberName,
  session,
} from '../../store/session.ts'
import { LastingField } from './lasting-field.tsx'
import { PreviewBox, usePreview } from './override-preview.tsx'
import {
  kindVerbs,
  type Lasting,
  lastingFields,
  lastingWords,
  type OverrideKind,
  overrideWords,
} from './override-words.ts'

export interface OverrideOrder {
  readonly zone: string
  readonly target: string
  /** null: every pool of the target. */
  readonly pool: string | null
  readonly kind: OverrideKind
}

export function openOverride(order: OverrideOrder): void {
  const label = `${kindVerbs[order.kind]} ${shown(order.target)}?`
  openDialog({ label, content: () => <OverrideDialog order={order} /> })
}

/** Asks to sign in first where that is needed, and says who may where nobody may. */
function Permitted({ children }: { children: ComponentChildren }): VNode {
  useEffect(() => void learnSession(), [])
  const view = session.value
  if (view === null || view.mayWrite) return <>{children}</>
  if (view.writes === 'closed')
    return (
      <>
        <p class="form-trouble">{shown(view.advice ?? 'Nobody may write here.')}</p>
        <End />
      </>
    )
  return <SignInForm onDone={() => {}} onCancel={closeDialog} />
}

function End({ children }: { children?: ComponentChildren }): VNode {
  return (
    <div class="end">
      <button type="button" class="button" onClick={closeDialog}>
        Cancel
      </button>
      {children}
    </div>
  )
}

function OverrideDialog({ order }: { order: OverrideOrder }): VNode {
  return (
    <div class="override">
      <h2>
        {kindVerbs[order.kind]} {shown(order.target)}?
      </h2>
      <Permitted>
        <OverrideForm order={order} />
      </Permitted>
    </div>
  )
}

function OverrideForm({ order }: { order: OverrideOrder }): VNode {
  const { kind, zone, target, pool } = order
  const [lasting, setLasting] = useState<Lasting>({ kind: 'seconds', seconds: 7200 })
  const [why, setWhy] = useState('')
  const [name, setName] = useState(rememberedName)
  const [weightPercent, setWeightPercent] = useState('50')
  const [isForced, setForced] = useState(false)
  const [trouble, setTrouble] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const end = lastingFields(lasting)
  const weight = kind === 'weight' ? { factor: Number(weightPercent) / 100 } : {}
  const what = end && { zone, target, kind, ...(pool === null ? {} : { pool }), ...weight, ...end }
  const previewed = usePreview(what)
  const refusal = previewed.kind === 'known' ? previewed.preview.refusal : null
  const submit = async (): Promise<void> => {
    setBusy(true)
    if (session.value?.name === null) rememberName(name)
    const body = { ...what, why: why.trim(), by: author(), force: isForced }
    const outcome = await setOverride(body)
    setBusy(false)
    setTrouble(outcome)
    if (outcome === null) closeDialog()
  }
  return (
    <form
      class="stack-form"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <PreviewBox previewed={previewed} target={target} />
      {kind === 'weight' && <WeightField text={weightPercent} onChange={setWeightPercent} />}
      <LastingField lasting={lasting} onChange={setLasting} isOpenPossible={kind === 'disable'} />
      <label class="field">
        Why
        <input
          name="why"
          required
          maxLength={200}
          data-first
          placeholder="What a colleague would ask at 3 a.m."
          value={why}
          onInput={({ currentTarget }) => setWhy(currentTarget.value)}
        />
      </label>
      {session.value?.name === null && <NameField name={name} onChange={setName} />}
      {refusal !== null && (
        <label class="check">
          <input
            type="checkbox"
            checked={isForced}
            onChange={({ currentTarget }) => setForced(currentTarget.checked)}
          />
          Do it nevertheless
        </label>
      )}
      <Trouble text={trouble} />
      <End>
        <button
          type="submit"
          class="button primary"
          disabled={isBusy || !mayWrite.value || end === null || (refusal !== null && !isForced)}
        >
          {kind === 'weight' ? 'Set weight' : kindVerbs[kind]} {lastingWords(lasting)}
        </button>
      </End>
    </form>
  )
}

function Trouble({ text }: { text: string | null }): VNode | null {
  const said = text ?? (isStale.value ? 'Nothing can be changed until there is news again.' : null)
  return said === null ? null : (
    <p class="form-trouble tone-bad" role="alert">
      {shown(said)}
    </p>
  )
}

function WeightField({
  text,
  onChange,
}: {
  text: string
  onChange: (text: string) => void
}): VNode {
  return (
    <label class="field">
      Percent of its configured weight
      <input
        name="weight"
        type="number"
        min="0"
        max="10000"
        step="any"
        required
        value={text}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </label>
  )
}

function NameField({ name, onChange }: { name: string; onChange: (name: string) => void }): VNode {
  return (
    <label class="field">
      Your name, for colleagues to see
      <input
        name="by"
        maxLength={60}
        autocomplete="username"
        value={name}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </label>
  )
}

/** null: it is set; else why not. */
async function setOverride(body: object): Promise<string | null> {
  const reply = await ask<{ readonly override: OverrideRow }>('overrides', { method: 'POST', body })
  if (reply.kind !== 'answered') return refusalText(reply)
  const { override } = reply.value
  const until =
    override.until === null ? '' : ` until ${shortTime(override.until, serverNowMs.value)}`
  const text = `${shown(override.target)} is ${overrideWords(override)}${until}`
  say(text)
  toast({ text, action: { label: 'Undo', run: () => undoOverride(override) } })
  void refresh()
  return null
}

/** Ends the override; what became of it stands in a toast. */
export async function undoOverride({ id, target, ...row }: OverrideRow): Promise<void> {
  const by = encodeURIComponent(author())
  const path = `overrides/${encodeURIComponent(id)}?by=${by}`
  const reply: ApiReply<unknown> = await ask(path, { method: 'DELETE' })
  const text =
    reply.kind === 'answered'
      ? `${shown(target)} is no longer ${overrideWords(row)}`
      : `Not undone: ${refusalText(reply)}`
  say(text)
  toast({ text: shown(text) })
  void refresh()
}

export function extendOverride(row: OverrideRow): void {
  openDialog({
    label: `Extend ${shown(row.target)}`,
    content: () => (
      <div class="override">
        <h2>
          {shown(row.target)}, {overrideWords(row)}: for how long from now?
        </h2>
        <Permitted>
          <ExtendForm row={row} />
        </Permitted>
      </div>
    ),
  })
}

function ExtendForm({ row }: { row: OverrideRow }): VNode {
  const [lasting, setLasting] = useState<Lasting>({ kind: 'seconds', seconds: 7200 })
  const [why, setWhy] = useState(row.why)
  const [trouble, setTrouble] = useState<string | null>(null)
  const end = lastingFields(lasting)
  const submit = async (): Promise<void> => {
    const path = `overrides/${encodeURIComponent(row.id)}`
    const body = { ...end, why, by: author() }
    const reply = await ask<{ readonly override: OverrideRow }>(path, { method: 'PATCH', body })
    if (reply.kind !== 'answered') return setTrouble(refusalText(reply))
    const { until } = reply.value.override
    const at = until === null ? 'undone' : shortTime(until, serverNowMs.value)
    toast({ text: `${shown(row.target)} is ${overrideWords(row)} until ${at}` })
    void refresh()
    closeDialog()
  }
  return (
    <form
      class="stack-form"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <LastingField lasting={lasting} onChange={setLasting} isOpenPossible={false} />
      <label class="field">
        Why
        <input
          name="why"
          required
          maxLength={200}
          value={why}
          onInput={({ currentTarget }) => setWhy(currentTarget.value)}
        />
      </label>
      <Trouble text={trouble} />
      <End>
        <button type="submit" class="button primary" disabled={!mayWrite.value || end === null}>
          Extend {lastingWords(lasting)}
        </button>
      </End>
    </form>
  )
}
