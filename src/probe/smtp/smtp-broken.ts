// What it means when a dialogue cannot go on: by the phase it was in and the way it broke.
//
//   phase               silence, end                    reset                   handshake failed
//   connect             dead                            dead                    –
//   banner              mute                            dead                    –
//   handshake           mute; after STARTTLS tls        dead; after it tls      stuck; after STARTTLS tls
//   starttls            tls                             tls                     –
//   later               stuck                           stuck                   –
//
// A fault of this host is `self` in every phase, and so is silence seen only through a late timer.

import { connectionFault } from './connection-fault.ts'
import type { Found, Phase } from './smtp-script.ts'
import { noSession } from '../../health/tls-report.ts'

export type Breakage =
  | { readonly kind: 'end' }
  | { readonly kind: 'timeout' | 'stalled' }
  | { readonly kind: 'failed'; readonly errno: string }
  | { readonly kind: 'insecure'; readonly why: string }

export function foundWhenBroken(
  phase: Phase,
  breakage: Breakage,
  mode: 'starttls' | 'implicit',
): Found {
  if (breakage.kind === 'stalled') return { kind: 'self', reason: 'stalled', code: null }
  if (breakage.kind !== 'failed') return foundInPhase(phase, breakage, mode)
  const fault = connectionFault(breakage.errno)
  const isEarly = phase === 'connect' || phase === 'banner'
  const isFirst = isEarly || (phase === 'handshake' && mode === 'implicit')
  if (fault.kind === 'self' || isFirst) return { ...fault, code: null }
  return foundInPhase(phase, { kind: 'reset' }, mode)
}

/** For the record of the dialogue. */
export function describeBreakage(breakage: Breakage): string {
  switch (breakage.kind) {
    case 'end':
      return 'closed by the target'
    case 'timeout':
      return 'timed out'
    case 'stalled':
      return 'our own timer was late'
    case 'insecure':
      return `TLS: ${breakage.why}`
    default:
      return breakage.errno
  }
}

type Interruption = Exclude<Breakage, { kind: 'failed' }> | { readonly kind: 'reset' }

const words = {
  end: 'eof',
  timeout: 'timeout',
  reset: 'reset',
  insecure: 'failed',
  stalled: 'stalled',
}

function foundInPhase(
  phase: Phase,
  interruption: Interruption,
  mode: 'starttls' | 'implicit',
): Found {
  if (phase === 'connect') {
    const reason = interruption.kind === 'timeout' ? 'connect-timeout' : 'connection-reset'
    return { kind: 'dead', reason, code: null }
  }
  const reason = `${phase === 'helo' ? 'ehlo' : phase}-${words[interruption.kind]}`
  if (phase === 'starttls' || (phase === 'handshake' && mode === 'starttls')) {
    const text = interruption.kind === 'insecure' ? interruption.why : `TLS broke off: ${reason}`
    return { kind: 'tls', reason, code: null, tls: noSession(reason, text) }
  }
  const isMute = phase === 'banner' || (phase === 'handshake' && interruption.kind !== 'insecure')
  return { kind: isMute ? 'mute' : 'stuck', reason, code: null }
}
