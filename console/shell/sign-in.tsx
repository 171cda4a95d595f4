// Signing in and out: the form, in a dialog or as the page where reading needs a session, and the foot of the rail.

import type { VNode } from 'preact'
import { useState } from 'preact/hooks'

import { shown } from '../parts/shown.ts'
import { session, signIn, signOut, rememberedName } from '../store/session.ts'
import { closeDialog, openDialog } from './dialog.tsx'

export function openSignIn(): void {
  openDialog({
    label: 'Sign in',
    content: () => (
      <>
        <h2>Sign in</h2>
        <SignInForm onDone={closeDialog} onCancel={closeDialog} />
      </>
    ),
  })
}

export function SignInForm({
  onDone,
  onCancel,
}: {
  onDone: () => void
  onCancel?: () => void
}): VNode {
  const [name, setName] = useState(rememberedName)
  const [token, setToken] = useState('')
  const [why, setWhy] = useState<string | null>(null)
  const [isBusy, setBusy] = useState(false)
  const submit = async (): Promise<void> => {
    setBusy(true)
    const refusal = await signIn(token, name)
    setBusy(false)
    setWhy(refusal)
    if (refusal === null) onDone()
  }
  return (
    <form
      class="stack-form"
      onSubmit={(event) => {
        event.preventDefault()
        void submit()
      }}
    >
      <label class="field">
        Your name, for colleagues to see
        <input
          name="name"
          autocomplete="username"
          required
          maxLength={60}
          value={name}
          onInput={({ currentTarget }) => setName(currentTarget.value)}
        />
      </label>
      <label class="field">
        Admin token
        <input
          name="token"
          type="password"
          autocomplete="current-password"
          required
          value={token}
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
      </label>
      {why !== null && (
        <p class="form-trouble tone-bad" role="alert">
          {shown(why)}
        </p>
      )}
      <div class="end">
        {onCancel && (
          <button type="button" class="button" onClick={onCancel}>
            Cancel
          </button>
        )}
        <button type="submit" class="button primary" disabled={isBusy}>
          Sign in
        </button>
      </div>
    </form>
  )
}

/** At the foot of the rail. */
export function SessionFoot(): VNode | null {
  const view = session.value
  if (view === null || view.writes === 'open') return null
  if (view.writes === 'closed')
    return <p title={view.advice ?? ''}>Read only: no admin token is set</p>
  return (
    <p class="foot-row">
      {view.name === null ? (
        <button type="button" class="link" onClick={openSignIn}>
          Sign in
        </button>
      ) : (
        <>
          <span>
            Signed in as <b>{shown(view.name)}</b>
          </span>
          <button type="button" class="link" onClick={() => void signOut()}>
            Sign out
          </button>
        </>
      )}
    </p>
  )
}
