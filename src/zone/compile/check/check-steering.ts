// Warnings of rules and networks that do something else than they seem to: rules that earlier ones leave no client,
// numbers of autonomous systems that no database has, and networks of the zone's own MTAs that hold half the Internet.

import { continentOf } from '../../../lib/countries.ts'
import { type Network, networkContains, parseNetwork } from '../../../lib/ip.ts'
import type { Compilation } from '../compilation.ts'
import type { DocumentPath, Problems } from '../problem.ts'
import type { ConditionsSource, RuleSource } from '../zone-source.ts'

/** To be called for a zone without errors. */
export function checkSteering({ source, problems }: Compilation): void {
  for (const [name, rules] of source.steering) {
    const path = ['steering', name]
    for (const [i, { when }] of rules.entries())
      for (const [j, asn] of (when?.asn ?? []).entries())
        warnReserved(problems, [...path, i, 'when', 'asn', j], asn)
    warnCovered(problems, path, rules)
  }
  for (const [i, text] of source.internal.entries()) {
    const network = parseNetwork(text)
    if (network.kind === 'network') warnWide(problems, ['internal', i], network)
  }
}

/** What numbers of autonomous systems are not assigned to a network for (RFC 5398, 6996, 7300, 6793). */
const reservedAsns: readonly (readonly [first: number, last: number, what: string])[] = [
  [23_456, 23_456, 'stands for numbers of four octets (RFC 6793)'],
  [64_496, 64_511, 'is for documentation (RFC 5398)'],
  [64_512, 65_534, 'is for private use (RFC 6996)'],
  [65_535, 65_535, 'is reserved (RFC 7300)'],
  [65_536, 65_551, 'is for documentation (RFC 5398)'],
  [65_552, 131_071, 'is reserved'],
  [4_200_000_000, 4_294_967_294, 'is for private use (RFC 6996)'],
  [4_294_967_295, 4_294_967_295, 'is reserved (RFC 7300)'],
]

function warnReserved(problems: Problems, path: DocumentPath, asn: number): void {
  const row = reservedAsns.find(([first, last]) => asn >= first && asn <= last)
  if (row === undefined) return
  const message = `AS${asn} ${row[2]}: no client has it, but in a database of your own. Expected the number of a network`
  problems.warn('reserved-asn', path, message)
}

/** Values of all rules of a policy: each is compared with those of the rules before it. */
const maxValues = 500

const valuesOf = ({ network, continent, country, asn }: ConditionsSource): number =>
  [network, continent, country, asn].reduce((sum, values) => sum + (values?.length ?? 0), 0)

/** Warns of rules whose clients all match one rule before. */
function warnCovered(problems: Problems, path: DocumentPath, rules: readonly RuleSource[]): void {
  const conditions = rules.flatMap(({ when }) => (when ? [when] : []))
  if (conditions.reduce((sum, when) => sum + valuesOf(when), 0) > maxValues) return
  for (const [i, when] of conditions.entries()) {
    const earlier = conditions.slice(0, i).findIndex((one) => covers(one, when))
    if (earlier < 0) continue
    const message = `rule ${earlier + 1} takes every client of this one before, expected the narrower rule first`
    problems.warn('unreachable-rule', [...path, i], message)
  }
}

/** Whether every client that matches `inner` matches `outer`. */
function covers(outer: ConditionsSource, inner: ConditionsSource): boolean {
  const { network, continent, country, asn } = outer
  return (
    (country === undefined || isSubset(inner.country, country)) &&
    (asn === undefined || isSubset(inner.asn, asn)) &&
    (continent === undefined ||
      isSubset(inner.continent, continent) ||
      isSubset(inner.country?.map(continentOf), continent)) &&
    (network === undefined || areWithin(inner.network, network))
  )
}

const isSubset = <Value>(
  inner: readonly (Value | null)[] | undefined,
  outer: readonly Value[],
): boolean => inner?.every((value) => value !== null && outer.includes(value)) ?? false

function areWithin(inner: readonly string[] | undefined, outer: readonly string[]): boolean {
  const [within, around] = [networksOf(inner ?? []), networksOf(outer)]
  return (
    within.length > 0 &&
    within.every(({ octets, prefixLength }) =>
      around.some((one) => one.prefixLength <= prefixLength && networkContains(one, octets)),
    )
  )
}

const networksOf = (texts: readonly string[]): readonly Network[] =>
  texts.flatMap((text) => {
    const network = parseNetwork(text)
    return network.kind === 'network' ? [network] : []
  })

/** No organization has more of its own: 10.0.0.0/8 and fc00::/7. */
const widest = { ipv4: 8, ipv6: 16, ipv6Private: 7 }

function warnWide(problems: Problems, path: DocumentPath, { octets, prefixLength }: Network): void {
  const isPrivate = octets.length === 16 && ((octets[0] ?? 0) & 0xfe) === 0xfc
  const ofIpv6 = isPrivate ? widest.ipv6Private : widest.ipv6
  if (prefixLength >= (octets.length === 4 ? widest.ipv4 : ofIpv6)) return
  const whom = prefixLength === 0 ? `every IPv${octets.length === 4 ? 4 : 6} client` : 'others too'
  const message = `this makes ${whom} one of your MTAs, which get one fixed ladder and are not steered: expected the networks of the MTAs alone`
  problems.warn('wide-network', path, message)
}
