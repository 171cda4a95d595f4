// What the server said instead of an answer, where the answer would stand.

import type { VNode } from 'preact'

import type { ApiReply } from '../store/api.ts'
import { shown } from './shown.ts'

/** Nothing while there is an answer, or none has come yet. */
export function Refusal({ reply }: { readonly reply: ApiReply<unknown> | null }): VNode | null {
  if (reply === null || reply.kind === 'answered' || reply.kind === 'unchanged') return null
  return (
    <p class="card nothing" role="alert">
      {reply.kind === 'refused'
        ? shown(reply.message)
        : `The server does not answer (${shown(reply.why)}).`}
    </p>
  )
}
