// Check `spf` of a mail domain: whether every address that the SPF records of our zones list passes for the domain too, by
// RFC 7208, with the records that a resolver finds.

import { spfOwnersOf } from '../../delegation/domain-records.ts'
import { type Address, parseAddress } from '../../lib/ip.ts'
import { listed } from '../../lib/listed.ts'
import type { StubResolver } from '../../resolver/stub-resolver.ts'
import type { SpfVerdict } from '../../spf/check-host.ts'
import { nameToBareText } from '../../wire/name.ts'
import type { Zone } from '../../zone/zone.ts'
import type { LoadedTarget } from '../../zonefile/load-zones.ts'
import { evaluateSpf } from './evaluate-spf.ts'
import { type CheckResult, fail, ok, skip, warn } from '../report.ts'

export interface SpfAsked {
  /** Without final dot, in lower case. */
  readonly domain: string
  /** The zones that its mail is led to. */
  readonly zones: readonly Zone[]
  /** Those of all zones. */
  readonly targets: readonly LoadedTarget[]
}

const limits = { addresses: 256, terms: 200_000, shown: 3 }

export async function checkDomainSpf(
  { domain, zones, targets }: SpfAsked,
  resolver: StubResolver,
): Promise<readonly CheckResult[]> {
  const budget = { terms: limits.terms, parsed: new Map() }
  const verdictOf = (address: Address | null, of: string): Promise<SpfVerdict> =>
    evaluateSpf({ address, domain: of }, { resolver, budget })
  const owners = zones.flatMap((zone) =>
    spfOwnersOf(zone).map((owner) => ({
      zone: nameToBareText(zone.apex),
      owner: nameToBareText(owner),
    })),
  )
  const own = await verdictOf(null, domain)
  const [first] = owners
  const include = first === undefined ? 'spf: in the zone' : `include:${first.owner}`
  if (own.kind === 'none') {
    const advice = `publish one that ends in -all and has ${include}`
    return [warn('spf', `${domain} has no SPF record`, advice)]
  }
  if (own.kind === 'permerror')
    return [fail('spf', `${domain}: ${own.why}`, 'mend the SPF record: receivers take none')]
  if (first === undefined)
    return [skip('spf', 'no zone that the mail is led to has an SPF record to compare with')]
  const sending = await sendersOf(owners, targets, verdictOf)
  const judged = await Promise.all(
    sending.map(async ({ text, address }) => ({ text, ...(await verdictOf(address, domain)) })),
  )
  return [
    judge(
      domain,
      judged,
      owners.map(({ owner }) => owner),
    ),
  ]
}

interface Judged {
  /** The address. */
  readonly text: string
  readonly kind: SpfVerdict['kind']
}

/** `owners`: of the SPF records that list the addresses. */
function judge(domain: string, judged: readonly Judged[], owners: readonly string[]): CheckResult {
  const refused = judged.filter(({ kind }) => kind !== 'pass')
  if (refused.length === 0) {
    const which = listed(owners, limits.shown)
    return ok('spf', `${domain} passes the ${judged.length} addresses of ${which}`)
  }
  const shown = listed(
    refused.map(({ text, kind }) => `${text} (${kind})`),
    limits.shown,
  )
  const text = `${domain} does not pass ${refused.length} of ${judged.length} addresses: ${shown}`
  const advice = `put include:${owners[0]} into its SPF record, before "all"`
  return (refused.some(({ kind }) => kind === 'fail') ? fail : warn)('spf', text, advice)
}

interface Sender {
  readonly text: string
  readonly address: Address
}

/** The addresses of targets that an SPF record of their zone passes. */
async function sendersOf(
  owners: readonly { readonly zone: string; readonly owner: string }[],
  targets: readonly LoadedTarget[],
  verdictOf: (address: Address, of: string) => Promise<SpfVerdict>,
): Promise<readonly Sender[]> {
  const senders = new Map<string, Sender>()
  for (const { zone, owner } of owners) {
    const texts = targets
      .filter((one) => one.zone === zone)
      .flatMap(({ target }) => target.addresses.map(({ text }) => text))
    for (const text of texts) {
      const address = parseAddress(text)
      if (address === null || senders.has(text) || senders.size >= limits.addresses) continue
      const { kind } = await verdictOf(address, owner)
      if (kind === 'pass') senders.set(text, { text, address })
    }
  }
  return [...senders.values()]
}
