// Check `certificates`: whether what each target presents under STARTTLS matches the TLSA records by which senders that use DANE judge it
// (RFC 7672 §3): those defer mail where it does not. Each address with such records is probed once, as at level `tls`.

import type { Outcome } from '../health/outcome.ts'
import { systemClock } from '../lib/clock.ts'
import { listed } from '../lib/listed.ts'
import type { ProbeSourceAddresses, WatchedAddress } from '../probe/smtp/profile.ts'
import { probeAddress } from '../probe/smtp/smtp-probe.ts'
import type { ConcurrencyLimit } from '../resolver/stub-resolver.ts'
import { type CheckResult, fail, ok, warn } from './report.ts'

interface Presented {
  readonly target: string
  readonly address: string
  readonly port: number
  readonly outcome: Outcome
}

/** Of one zone: `isSigned`, since TLSA counts for nobody else. `limit`: of probes at the same time, in all zones. */
export async function checkCertificates(
  watched: readonly WatchedAddress[],
  source: ProbeSourceAddresses,
  isSigned: boolean,
  limit: ConcurrencyLimit,
): Promise<readonly CheckResult[]> {
  const presented = await Promise.all(
    watched.map(async (one): Promise<Presented | null> => {
      const { target, address, probeAddress: place = address, senderTls } = one
      if (senderTls === undefined) return null
      const tls = { ...one.profile.tls, ...senderTls }
      const profile = { ...one.profile, level: 'tls' as const, tls }
      const request = { address: place, profile, source }
      const outcome = await limit.run(() => probeAddress(request, systemClock))
      return outcome === null ? null : { target, address, port: profile.port, outcome }
    }),
  )
  return certificateResults(
    presented.filter((one) => one !== null),
    isSigned,
  )
}

const kindOf = ({ outcome: { tls } }: Presented): 'match' | 'mismatch' | 'unusable' | 'unseen' =>
  tls === undefined || tls.dane === 'none' ? 'unseen' : tls.dane

export function certificateResults(
  presented: readonly Presented[],
  isSigned: boolean,
): readonly CheckResult[] {
  const of = (kind: ReturnType<typeof kindOf>): readonly Presented[] =>
    presented.filter((one) => kindOf(one) === kind)
  const [match, mismatch, unusable, unseen] = [
    of('match'),
    of('mismatch'),
    of('unusable'),
    of('unseen'),
  ]
  const wrong = isSigned ? fail : warn
  return [
    ...(match.length > 0 ? [ok('certificates', `${namesOf(match)} by TLSA`)] : []),
    ...mismatch.map((one) =>
      wrong(
        'certificates',
        `${placeOf(one)} presents a certificate that matches none of its TLSA records${isSigned ? ': senders that use DANE defer mail to it' : ''}`,
        'publish the record of this certificate beside the old one, or put the old certificate back: docs/operations/dnssec.md#dane',
      ),
    ),
    ...unusable.map((one) =>
      warn(
        'certificates',
        `${placeOf(one)} has TLSA records of usages that SMTP does not use`,
        'use 3 1 1, or 2 1 1 for an authority',
      ),
    ),
    ...unseen.map((one) => unseenResult(one, isSigned)),
  ]
}

const placeOf = ({ target, address, port }: Presented): string =>
  `${target} at ${address} port ${port}`

const namesOf = (some: readonly Presented[]): string => listed(some.map(placeOf), 8)

/** A sender that uses DANE wants TLS: a target that answers and does not offer it is as bad as a wrong certificate. */
function unseenResult(one: Presented, isSigned: boolean): CheckResult {
  const { kind, reason, hasStarttls } = one.outcome
  const text = `${placeOf(one)} has TLSA records, and its certificate could not be seen: ${reason}`
  if (isSigned && (kind === 'tls' || hasStarttls === false))
    return fail('certificates', text, 'have it offer STARTTLS, or take its TLSA records out first')
  return warn('certificates', text, 'ask again, from where it can be reached')
}
