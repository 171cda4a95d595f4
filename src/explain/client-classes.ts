// Classes of clients that no condition of either policy distinguishes, with one representative
// each, so that a comparison of policies covers every client. Places are those of the GeoIP
// database; ASNs and networks those that the rules name.
//
// Networks divide the address space at their first address and after their last; the first address
// of each section represents it.

import { matches, isWithin } from '../steer/select/match.ts'
import type { Place } from '../steer/scope/place-networks.ts'
import type { Network } from '../lib/ip.ts'
import { listed } from '../lib/listed.ts'
import type { Conditions, Policy } from '../steer/policy.ts'
import type { Locus } from '../steer/selection.ts'
import { networkText } from './client-view.ts'

export interface ComparedPolicy {
  readonly policy: Policy
  readonly internal: readonly Network[]
}

/** A class of one dimension (place, ASN or network), with the value that represents it. */
export interface ClientPart {
  readonly known: Partial<Locus>
  /** Text that names the members of the class; null: all that no condition names. */
  readonly label: string | null
}

export interface ClientClasses {
  readonly places: readonly ClientPart[]
  readonly asns: readonly ClientPart[]
  readonly networks: readonly ClientPart[]
}

const unknownClient: Locus = {
  family: 4,
  octets: new Uint8Array(4),
  continent: null,
  country: null,
  asn: null,
}

export const locusOf = (parts: readonly ClientPart[]): Locus =>
  parts.reduce((locus, { known }) => ({ ...locus, ...known }), unknownClient)

export function classesOf(
  sides: readonly ComparedPolicy[],
  places: readonly Place[],
): ClientClasses {
  const whens = sides.flatMap(({ policy }) =>
    policy.rules.flatMap(({ when }) => (when === null ? [] : [when])),
  )
  return {
    places: placeParts(whens, places),
    asns: asnParts(whens),
    networks: networkParts(whens, sides),
  }
}

const noConditions: Conditions = { continents: null, countries: null, asns: null, networks: null }

/** A digit for each condition, 1 where it matches a client of which only `known` is known. */
const signature = (
  whens: readonly Conditions[],
  keys: readonly (keyof Conditions)[],
  known: Partial<Locus>,
): string =>
  whens
    .map((when) => {
      const checked = Object.fromEntries(keys.map((key) => [key, when[key]]))
      return matches({ ...noConditions, ...checked }, { ...unknownClient, ...known }) ? '1' : '0'
    })
    .join('')

function placeParts(whens: readonly Conditions[], places: readonly Place[]): readonly ClientPart[] {
  const nowhere: Place = { continent: null, country: null }
  const known = [nowhere, ...places].map(({ continent, country }) => ({ continent, country }))
  const groups = Map.groupBy(known, (one) => signature(whens, ['continents', 'countries'], one))
  return [...groups.values()].map((group) => ({
    known: group[0] ?? nowhere,
    label: group.includes(known[0] as Place) ? null : placesLabel(group, known),
  }))
}

const shownNames = 6

function sizesByContinent(places: readonly Place[]): ReadonlyMap<string | null, number> {
  const sizes = new Map<string | null, number>()
  for (const { continent } of places) sizes.set(continent, (sizes.get(continent) ?? 0) + 1)
  return sizes
}

/** Names continents if the group consists of whole ones, otherwise countries. */
function placesLabel(group: readonly Place[], all: readonly Place[]): string {
  const [its, whole] = [sizesByContinent(group), sizesByContinent(all)]
  if (group.length > 1 && [...its].every(([one, size]) => one !== null && whole.get(one) === size))
    return `continent ${[...its.keys()].join(', ')}`
  return `country ${joinNames(group.map(({ country, continent }) => country ?? continent ?? '?'))}`
}

const joinNames = (texts: readonly string[]): string => listed(texts, shownNames)

function asnParts(whens: readonly Conditions[]): readonly ClientPart[] {
  const asns = [...new Set(whens.flatMap((when) => when.asns ?? []))]
  const groups = Map.groupBy(asns, (asn) => signature(whens, ['asns'], { asn }))
  const named = [...groups.values()].map((group): ClientPart => {
    return { known: { asn: group[0] ?? null }, label: joinNames(group.map((asn) => `AS${asn}`)) }
  })
  return [{ known: { asn: null }, label: null }, ...named]
}

function networkParts(
  whens: readonly Conditions[],
  sides: readonly ComparedPolicy[],
): readonly ClientPart[] {
  const all = [
    ...whens.flatMap((when) => when.networks ?? []),
    ...sides.flatMap(({ internal }) => internal),
  ]
  const firstAddresses = [new Uint8Array(4), new Uint8Array(16), ...all.flatMap(boundariesOf)]
  const known = firstAddresses.map((octets) => ({ family: familyOf(octets), octets }))
  const groups = Map.groupBy(known, (one) => {
    const internals = sides.map(({ internal }) => isWithin(internal, { ...unknownClient, ...one }))
    return `${signature(whens, ['networks'], one)} ${internals.join()}`
  })
  return [...groups.values()].map((group) => ({
    known: group[0] ?? {},
    label: networksLabel(group, all),
  }))
}

const familyOf = (octets: Uint8Array): 4 | 6 => (octets.length === 4 ? 4 : 6)

/**
 * The first address of the network and the first one after it; the latter is left out at the end of
 * the space.
 */
function boundariesOf({ octets, prefixLength }: Network): readonly Uint8Array[] {
  const after = octets.slice()
  // Adds one at the last bit of the prefix, with carry.
  let at = (prefixLength - 1) >> 3
  let carry = 1 << (7 - ((prefixLength - 1) & 7))
  for (; at >= 0 && carry > 0; at--) {
    const sum = (after[at] as number) + carry
    after[at] = sum & 0xff
    carry = sum > 0xff ? 1 : 0
  }
  return carry > 0 ? [octets] : [octets, after]
}

function networksLabel(
  group: readonly { readonly octets: Uint8Array }[],
  networks: readonly Network[],
): string | null {
  const labels = new Set<string>()
  for (const { octets } of group) {
    const around = networks.filter((one) => isWithin([one], { ...unknownClient, octets }))
    const closest = around.toSorted((a, b) => b.prefixLength - a.prefixLength)[0]
    if (!closest) return null
    labels.add(networkText(closest.octets, closest.prefixLength))
  }
  return `network ${joinNames([...labels])}`
}
