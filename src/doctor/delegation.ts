// Checks `delegation` and `glue`: whether the parent zone delegates to the name servers that the
// zone names, with the right addresses.

import { type CheckResult, fail, ok, skip, warn } from './report.ts'
import type { OwnZone } from './own-zone.ts'
import { isAtOrBelow } from '../trust/parent.ts'
import type { Referral } from './parent.ts'

export function checkDelegation(own: OwnZone, referral: Referral): readonly CheckResult[] {
  switch (referral.kind) {
    case 'unknown':
      return [
        fail(
          'delegation',
          `the parent could not be asked: ${referral.why}`,
          'give a resolver that answers with --resolver ADDR:PORT',
        ),
        skip('glue', 'the parent could not be asked'),
      ]
    case 'not-delegated':
      return [
        fail(
          'delegation',
          `${referral.parent} does not delegate it, says ${referral.server}`,
          `have NS records for it put into ${referral.parent}: ${own.nameServers.join(', ')}`,
        ),
        skip('glue', 'there is no delegation'),
      ]
    case 'delegated':
      return [...compareNames(own, referral), ...checkGlue(own, referral)]
    default:
      return referral satisfies never
  }
}

type Delegated = Extract<Referral, { kind: 'delegated' }>

function compareNames(own: OwnZone, { parent, nameServers }: Delegated): readonly CheckResult[] {
  const onlyThere = nameServers.filter((name) => !own.nameServers.includes(name))
  const onlyHere = own.nameServers.filter((name) => !nameServers.includes(name))
  const alone =
    new Set([...nameServers, ...own.nameServers]).size === 1
      ? [
          warn(
            'delegation',
            `${nameServers.join()} is the only name server`,
            'run a second instance elsewhere, and name it in both zones (RFC 2182)',
          ),
        ]
      : []
  if (onlyThere.length === 0 && onlyHere.length === 0)
    return [
      ok('delegation', `${parent} names ${nameServers.join(', ')}, as the zone does`),
      ...alone,
    ]
  const isDisjoint = onlyThere.length === nameServers.length
  const text = [
    ...(onlyThere.length > 0 ? [`only ${parent} names ${onlyThere.join(', ')}`] : []),
    ...(onlyHere.length > 0 ? [`only the zone names ${onlyHere.join(', ')}`] : []),
  ].join('; ')
  const advice = `make the NS records in ${parent} and at "@" of the zone the same`
  return [(isDisjoint ? fail : warn)('delegation', text, advice), ...alone]
}

/** Name servers at or below the apex can be reached by their glue alone (RFC 9471). */
function checkGlue(own: OwnZone, { parent, nameServers, glue }: Delegated): readonly CheckResult[] {
  const within = nameServers.filter((name) => isAtOrBelow(name, own.name))
  if (within.length === 0) return [ok('glue', 'none is needed: no name server is in the zone')]
  const problems = within.flatMap((name) => {
    const there = glue.get(name) ?? []
    const here = own.addresses.get(name) ?? null
    if (there.length === 0)
      return [
        fail(
          'glue',
          `${parent} has no address of ${name}: no resolver can reach it`,
          `have its addresses put beside its NS record: ${here?.join(', ') ?? 'those it has'}`,
        ),
      ]
    if (here === null || there.join() === here.join()) return []
    const text = `${name} is at ${there.join(', ')} in ${parent}, at ${here.join(', ') || 'no address'} in the zone`
    // Resolvers get through, with a delay, while one of the addresses is right.
    const isStale = !there.some((address) => here.includes(address))
    const advice = `make the addresses in ${parent} and in the zone the same`
    return [(isStale ? fail : warn)('glue', text, advice)]
  })
  return problems.length > 0
    ? problems
    : [ok('glue', `addresses of ${within.join(', ')} are right`)]
}
