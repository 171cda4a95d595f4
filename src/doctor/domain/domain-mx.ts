// Check `mx`: whether the MX records of a mail domain, as a resolver finds them, lead to names of the zones of this server, to
// nothing else unless that is meant, and to names that are steered.

import { listed } from '../../lib/listed.ts'
import { isAtOrBelow, keyOfName, nameToBareText, parseName, parentKey } from '../../wire/name.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { Catalog, Zone } from '../../zone/zone.ts'
import type { StubResolver } from '../../resolver/stub-resolver.ts'
import { type CheckResult, fail, ok, warn } from '../report.ts'

export interface DomainMx {
  readonly results: readonly CheckResult[]
  /** Names of its MX, without final dot, in lower case. */
  readonly exchanges: readonly string[]
  /** The zones of this server that its mail is led to. */
  readonly zones: readonly Zone[]
}

export interface DomainAsked {
  /** Without final dot, in lower case. */
  readonly domain: string
  /** Exchanges of others that are meant, in the same form. */
  readonly elsewhere: readonly string[]
}

/** An exchange of the domain, and what this server has for it. */
interface Exchange {
  readonly preference: number
  readonly name: string
  readonly here: Here
}

type Here =
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'steered' | 'fixed' | 'nothing'; readonly zone: Zone }
  /** `slots`: all names of the ladder, in lower case without final dot. */
  | { readonly kind: 'slot'; readonly zone: Zone; readonly slots: readonly string[] }

const namesShown = 5

export async function checkDomainMx(
  { domain, elsewhere }: DomainAsked,
  catalog: Catalog,
  resolver: StubResolver,
): Promise<DomainMx> {
  const answer = await resolver.resolve({ name: domain, type: 'MX' })
  if (answer.kind === 'failed') {
    const text = `the resolver ${resolver.server.address} port ${resolver.server.port} finds no MX of ${domain}: ${answer.why}`
    return {
      results: [fail('mx', text, 'give one that answers with --resolver ADDR:PORT')],
      exchanges: [],
      zones: [],
    }
  }
  if (answer.kind === 'none') {
    const text =
      answer.why === 'nxdomain'
        ? `${domain} does not exist`
        : `${domain} has no MX: its mail goes to its own address`
    return { results: [fail('mx', text, adviceFor(domain))], exchanges: [], zones: [] }
  }
  const exchanges = answer.records
    .map(({ data }) => {
      const [preference = '', name = ''] = data.split(' ')
      return { preference: Number(preference), name, here: whereIs(name, catalog) }
    })
    .sort((a, b) => a.preference - b.preference)
  const isSteeredItself = hasSteeredMx(domain, catalog)
  return {
    results: judge(domain, exchanges, { elsewhere, isSteeredItself }),
    exchanges: exchanges.map(({ name }) => name),
    zones: [
      ...new Set(exchanges.flatMap(({ here }) => (here.kind === 'elsewhere' ? [] : [here.zone]))),
    ],
  }
}

const adviceFor = (domain: string): string =>
  `mxsteer delegation --domain ${domain} prints the records that it needs`

/** What the zone around the name has for it. */
function whereIs(text: string, catalog: Catalog): Here {
  const found = zoneAround(text, catalog)
  if (found === null) return { kind: 'elsewhere' }
  const { zone, key } = found
  const sets = zone.nodes.get(key)?.sets
  const set = sets?.get(RRType.A) ?? sets?.get(RRType.AAAA)
  if (set === undefined) return { kind: 'nothing', zone }
  if (set.kind === 'exchange-slot')
    return { kind: 'slot', zone, slots: set.names.map(nameToBareText) }
  const isFixed = set.kind === 'plain' || set.kind === 'target-address'
  return { kind: isFixed ? 'fixed' : 'steered', zone }
}

function zoneAround(text: string, catalog: Catalog): { zone: Zone; key: string } | null {
  const name = parseName(`${text}.`)
  if (text === '.' || name.kind === 'bad') return null
  const key = keyOfName(name.name)
  for (let at = key; at.length > 1; at = parentKey(at)) {
    const zone = catalog.zones.get(at)
    if (zone !== undefined && isAtOrBelow(key, zone.apexKey)) return { zone, key }
  }
  return null
}

function hasSteeredMx(domain: string, catalog: Catalog): boolean {
  const found = zoneAround(domain, catalog)
  return found?.zone.nodes.get(found.key)?.sets.get(RRType.MX)?.kind === 'steered-mx'
}

function judge(
  domain: string,
  exchanges: readonly Exchange[],
  { elsewhere, isSteeredItself }: { elsewhere: readonly string[]; isSteeredItself: boolean },
): readonly CheckResult[] {
  const named = (kind: Here['kind']): readonly string[] =>
    exchanges.filter(({ here }) => here.kind === kind).map(({ name }) => name)
  const [nothing, fixed] = [named('nothing'), named('fixed')]
  const others = named('elsewhere').filter((name) => !elsewhere.includes(name))
  const results: CheckResult[] = []
  if (exchanges.every(({ here }) => here.kind === 'elsewhere')) {
    const text = `no MX of ${domain} leads here: ${listed(named('elsewhere'), namesShown)}`
    return [fail('mx', text, adviceFor(domain))]
  }
  if (nothing.length > 0) {
    const text = `${domain} leads to ${listed(nothing, namesShown)}, of which the zone has no address: mail bounces there`
    results.push(fail('mx', text, 'give it one, or take it out of the MX'))
  }
  if (others.length > 0) {
    const text = `${domain} leads elsewhere too: ${listed(others, namesShown)}`
    results.push(
      warn('mx', text, 'take it out of the MX; if it is meant, name it with --elsewhere'),
    )
  }
  if (fixed.length > 0 && !isSteeredItself) {
    const text = `${domain} names ${listed(fixed, namesShown)}, which weights and drains do not move mail away from`
    results.push(warn('mx', text, adviceFor(domain)))
  }
  results.push(...judgeSlots(domain, exchanges))
  if (results.length > 0) return results
  const names = exchanges.map(({ name, preference }) => `${name} (${preference})`)
  return [ok('mx', `${domain} leads to ${listed(names, namesShown)}`)]
}

/** Slots are rungs of one ladder: an MX is to list them all, with preferences that ascend in their order. */
function judgeSlots(domain: string, exchanges: readonly Exchange[]): readonly CheckResult[] {
  const ladders = new Map(
    exchanges.flatMap(({ here }) =>
      here.kind === 'slot' ? [[here.slots.join(), here.slots]] : [],
    ),
  )
  return [...ladders.values()].flatMap((slots) => {
    const given = slots.map((slot) => exchanges.find(({ name }) => name === slot)?.preference)
    const missing = slots.filter((_, i) => given[i] === undefined)
    const preferences = given.filter((preference) => preference !== undefined)
    const isAscending = preferences.every((one, i) => i === 0 || one > (preferences[i - 1] ?? 0))
    const texts = [
      ...(missing.length > 0
        ? [`${domain} lacks ${listed(missing, namesShown)} of these slots`]
        : []),
      ...(isAscending
        ? []
        : [`${domain} does not list ${listed(slots, namesShown)} in this order`]),
    ]
    return texts.map((text) => warn('mx', text, adviceFor(domain)))
  })
}
