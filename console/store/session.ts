// Who is signed in at this server, and what this browser may do. The token goes to the server once and is kept nowhere; a
// name alone is remembered, for servers that need no token: it goes to `by` of what is done.

import { computed, type ReadonlySignal, signal } from '@preact/signals'

import type { SessionView } from '../../src/admin/session/session-routes.ts'
import { type ApiReply, ask } from './api.ts'
import { isStale, refresh } from './live.ts'

/** null: not known yet. */
export const session = signal<SessionView | null>(null)

/** Whether something may be changed now: this browser may, and what it shows is not old. */
export const mayWrite: ReadonlySignal<boolean> = computed(
  () => session.value?.mayWrite === true && !isStale.value,
)

const nameKey = 'mxsteer-name'

export function rememberedName(): string {
  try {
    return localStorage.getItem(nameKey) ?? ''
  } catch {
    return ''
  }
}

export function rememberName(name: string): void {
  try {
    localStorage.setItem(nameKey, name.trim().slice(0, 60))
  } catch {
    // Storage is switched off: the name is asked for again.
  }
}

/** The name that goes to `by` where nobody is signed in. */
export const author = (): string => session.value?.name ?? rememberedName()

export async function learnSession(): Promise<void> {
  const reply = await ask<SessionView>('session')
  if (reply.kind === 'answered') session.value = reply.value
}

/** null: signed in; else why not. */
export async function signIn(token: string, name: string): Promise<string | null> {
  const reply = await ask<SessionView>('session', { method: 'POST', body: { token, name } })
  if (reply.kind !== 'answered') return refusalText(reply)
  rememberName(name)
  session.value = reply.value
  void refresh()
  return null
}

export async function signOut(): Promise<void> {
  const reply = await ask<SessionView>('session', { method: 'DELETE' })
  if (reply.kind === 'answered') session.value = reply.value
}

/** What a reply that is no answer says, as a sentence. */
export function refusalText(reply: Exclude<ApiReply<unknown>, { kind: 'answered' }>): string {
  switch (reply.kind) {
    case 'refused':
      return reply.message
    case 'unreachable':
      return `the server does not answer (${reply.why})`
    case 'unchanged':
      return 'nothing has changed'
    default:
      return reply satisfies never
  }
}
