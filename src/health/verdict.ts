// What one outcome of a probe means for the health of the target.
//
//   outcome     verdict   load   alert            because
//   ok          pass      calm
//   slow        pass      slow                    mail gets in; three in a row shed weight (shedding.ts)
//   busy        busy      busy                    load passes, and senders try the next MX: twice `fall`, and it sheds
//   refusing    busy      –      prober-blocked   possibly only this prober is refused: twice `fall`, and refusal.ts
//   tls         pass      calm   tls              opportunistic senders do not mind; `fail` where the zone requires
//                                                 TLS and a sender that insists on it would turn away
//   dead mute   fail      –                       no mail gets in
//   garbage     fail      –                       not SMTP: no mail gets in either
//   stuck       fail      –                       greets, then cannot continue
//   self        unknown   –                       a fault of this host: says nothing about the target, changes nothing

import type { Outcome, OutcomeKind } from './outcome.ts'

/** What a probe outcome means. `busy` takes twice as many in a row as `fail` to take a target down. */
export type Verdict = 'pass' | 'fail' | 'busy' | 'unknown'

/** What an outcome says about the load of the target. */
export type LoadSign = 'calm' | 'slow' | 'busy'

/** Kinds of alerts about a target that an operator should see. */
export type AlertKind = 'prober-blocked' | 'prober-blind' | 'tls'

interface Effect {
  readonly verdict: Verdict
  /** null if the outcome says nothing about load. */
  readonly load: LoadSign | null
  /** Alert to raise; null clears earlier ones, unless the verdict is `unknown`. */
  readonly alert: AlertKind | null
}

const effects: Readonly<Record<OutcomeKind, Effect>> = {
  ok: { verdict: 'pass', load: 'calm', alert: null },
  slow: { verdict: 'pass', load: 'slow', alert: null },
  tls: { verdict: 'pass', load: 'calm', alert: 'tls' },
  busy: { verdict: 'busy', load: 'busy', alert: null },
  refusing: { verdict: 'busy', load: null, alert: 'prober-blocked' },
  dead: { verdict: 'fail', load: null, alert: null },
  mute: { verdict: 'fail', load: null, alert: null },
  garbage: { verdict: 'fail', load: null, alert: null },
  stuck: { verdict: 'fail', load: null, alert: null },
  self: { verdict: 'unknown', load: null, alert: null },
}

/** Verdict, load and alert of an outcome; `requiresTls` is the zone's setting for the target. */
export function effectOf(
  { kind, tls }: Pick<Outcome, 'kind' | 'tls'>,
  { requiresTls }: { readonly requiresTls: boolean },
): Effect {
  const effect = effects[kind]
  const isBroken = tls?.findings.some(({ severity }) => severity === 'failure') ?? false
  return kind === 'tls' && requiresTls && isBroken
    ? { ...effect, verdict: 'fail', load: null }
    : effect
}
