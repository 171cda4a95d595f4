// What is wrong with the signing of zones now: the clock, and keys whose times nobody set in time.

import { isoDay } from '../lib/clock.ts'
import { listed } from '../lib/listed.ts'

export interface SigningState {
  /** Of the time to sign by. */
  readonly clock: 'right' | 'frozen' | 'behind'
  readonly keys: readonly SignedZone[]
  /** Zones whose DS lead to none of their keys. */
  readonly mismatches: readonly {
    readonly zone: string
    readonly parent: string
    readonly servers: readonly string[]
    readonly ds: readonly string[]
  }[]
}

interface SignedZone {
  readonly zone: string
  /** When the keys cannot sign the zone any more, by the wall clock; null: never. */
  readonly refusal: {
    readonly atMs: number
    readonly why: string
    /** Whether it is near enough to be told of. */
    readonly isDue: boolean
  } | null
  /** They cannot do what their files say now. */
  readonly goesOnAsBefore: boolean
  /** What an offline key has signed has run out. */
  readonly hasLapsed: boolean
}

interface SigningFinding {
  readonly text: string
  /** The zone. */
  readonly subject?: string
}

interface SigningRow {
  readonly severity: 'critical' | 'warning'
  readonly find: (state: { readonly signing: SigningState }) => readonly SigningFinding[]
}

type SigningProblemKind =
  | 'clock-behind'
  | 'clock-frozen'
  | 'ds-mismatch'
  | 'keys-lapsed'
  | 'keys-refused'
  | 'keys-run-out'

/** Rows of the table of problems. */
export const signingRows: Readonly<Record<SigningProblemKind, SigningRow>> = {
  'clock-behind': { severity: 'critical', find: ({ signing }) => clockBehind(signing) },
  'clock-frozen': { severity: 'critical', find: ({ signing }) => clockFrozen(signing) },
  'ds-mismatch': { severity: 'critical', find: ({ signing }) => dsMismatches(signing) },
  'keys-lapsed': { severity: 'critical', find: ({ signing }) => signing.keys.flatMap(keysLapsed) },
  'keys-refused': {
    severity: 'critical',
    find: ({ signing }) => signing.keys.flatMap(keysRefused),
  },
  'keys-run-out': { severity: 'warning', find: ({ signing }) => signing.keys.flatMap(keysRunOut) },
}

function clockBehind({ clock }: SigningState): readonly SigningFinding[] {
  const text =
    'the clock is before a time that has been: queries with DO to signed zones are answered SERVFAIL, and this ' +
    'instance is not ready. Set the clock; if it is right, a key or the state file is from a clock that was not'
  return clock === 'behind' ? [{ text }] : []
}

function clockFrozen({ clock }: SigningState): readonly SigningFinding[] {
  const text =
    'the clock was set by more than an hour: signatures and keys go on by the time of before, for a day at most. ' +
    'Set the clock right; if it is right now, restart the server'
  return clock === 'frozen' ? [{ text }] : []
}

const dsMismatches = ({ mismatches }: SigningState): readonly SigningFinding[] =>
  mismatches.map(({ zone, parent, servers, ds }) => ({
    subject: zone,
    text:
      `resolvers that validate refuse every answer of ${zone}: the DS that ${parent} has at ${listed(servers, 3)} (${ds.join(', ')}) ` +
      `lead to no key that signs it. Give ${parent} what "mxsteer keys ds ${zone}" prints, or bring the key back`,
  }))

function keysLapsed({ zone, refusal, hasLapsed }: SignedZone): readonly SigningFinding[] {
  if (!hasLapsed) return []
  const text = `${zone} is answered SERVFAIL to resolvers that validate: ${refusal?.why}. Put a new response (.skr) into the folder of keys`
  return [{ subject: zone, text }]
}

function keysRefused({ zone, refusal, goesOnAsBefore }: SignedZone): readonly SigningFinding[] {
  if (!goesOnAsBefore) return []
  const text = `the keys of ${zone} go on as before, since they cannot do what their times say: ${refusal?.why}. Set other times`
  return [{ subject: zone, text }]
}

function keysRunOut({
  zone,
  refusal,
  goesOnAsBefore,
  hasLapsed,
}: SignedZone): readonly SigningFinding[] {
  if (refusal === null || !refusal.isDue || goesOnAsBefore || hasLapsed) return []
  const day = isoDay(refusal.atMs)
  const text = `the keys of ${zone} cannot sign it any more from ${day} on: ${refusal.why}. Set other times, add a key, or have one that is kept offline sign anew`
  return [{ subject: zone, text }]
}
