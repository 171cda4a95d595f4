// Whether the SPF records of domains elsewhere allow every target that sends (RFC 7208), as a receiver would evaluate them
// through the resolver.

import { evaluateSpf } from '../../doctor/domain/evaluate-spf.ts'
import { bareName } from '../../lib/bare-name.ts'
import { listed } from '../../lib/listed.ts'
import { parseAddress } from '../../lib/ip.ts'
import type { StubResolver } from '../../resolver/stub-resolver.ts'
import type { SpfBudget, SpfVerdict } from '../../spf/check-host.ts'
import type { LoadedTarget } from '../../zonefile/load-zones.ts'

export const maxDomains = 100

/** Terms that are looked at for one domain. */
const termsLimit = 3_000_000

const addressesShown = 5

/** Whether it is a name of several labels, as domains of mail are. */
export const isDomain = (text: string): boolean =>
  text.length <= 253 &&
  !/\.ya?ml$/i.test(text) &&
  /^(?:[a-z0-9_-]{1,63}\.)+[a-z0-9-]{1,63}\.?$/i.test(text)

interface Sender {
  /** Name and address, for people. */
  readonly text: string
  readonly address: string
}

export interface DomainFinding {
  readonly domain: string
  /** Addresses of targets that send. */
  readonly checked: number
  /** What its record says of those that it does not allow; empty: it allows all. */
  readonly problems: readonly string[]
}

export async function checkDomains(
  domains: readonly string[],
  targets: readonly LoadedTarget[],
  resolver: StubResolver,
): Promise<readonly DomainFinding[]> {
  const senders = targets.flatMap(({ zone, target: { name, addresses } }): Sender[] =>
    addresses.map(({ text }) => ({ text: `${name}.${zone} at ${text}`, address: text })),
  )
  const findings: DomainFinding[] = []
  for (const given of domains) {
    const domain = bareName(given)
    const problems = await examine(domain, senders, resolver)
    findings.push({ domain, checked: senders.length, problems })
  }
  return findings
}

/** What is wrong with the record of one domain; empty: nothing. */
async function examine(
  domain: string,
  senders: readonly Sender[],
  resolver: StubResolver,
): Promise<readonly string[]> {
  const budget: SpfBudget = { terms: termsLimit, parsed: new Map() }
  const byVerdict = new Map<string, Sender[]>()
  for (const sender of senders) {
    const address = parseAddress(sender.address)
    const verdict = textOf(await evaluateSpf({ address, domain }, { resolver, budget }))
    if (verdict === 'pass') continue
    const others = byVerdict.get(verdict)
    if (others) others.push(sender)
    else byVerdict.set(verdict, [sender])
  }
  return [...byVerdict].map(([verdict, those]) => {
    const texts = those.map(({ text }) => text)
    return `${domain}: SPF is ${verdict} for ${listed(texts, addressesShown)}`
  })
}

const textOf = (verdict: SpfVerdict): string =>
  'why' in verdict ? `${verdict.kind} (${verdict.why})` : verdict.kind
