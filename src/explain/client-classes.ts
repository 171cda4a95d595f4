// Everybody that two steerings may tell apart, as few clients: one for each class of clients whom no condition of
// either side distinguishes. Places are those that the database has; ASNs and networks those that rules name.
//
// Networks divide the addresses where one begins, or has just ended: one address of each such stretch stands for it.

import { matches, isWithin } from '../steer/select/match.ts'
import type { Place } from '../steer/scope/place-networks.ts'
import type { Network } from '../lib/ip.ts'
import type { Conditions, Policy } from '../steer/policy.ts'
import type { Locus } from '../steer/selection.ts'
import { networkText } from './client-view.ts'

export interface ComparedPolicy {
  readonly policy: Policy
  readonly internal: readonly Network[]
}

/** One value of a dimension (place, ASN, network) that stands for all that are treated alike. */
export interface ClientPart {
  readonly known: Partial<Locus>
  /** Those that it stands for; null: everyone that nothing names. */
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

/** What each condition says, of a client of whom only this is known. */
const signature = (
  whens: readonly Conditions[],
  keys: readonly (keyof Conditions)[],
  known: Partial<Locus>,
): string =>
  whens
    .map((when) => {
      const asked = Object.fromEntries(keys.map((key) => [key, when[key]]))
      return matches({ ...noConditions, ...asked }, { ...unknownClient, ...known }) ? '1' : '0'
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

/** By continents where it is whole ones. */
function placesLabel(group: readonly Place[], all: readonly Place[]): string {
  const [its, whole] = [sizesByContinent(group), sizesByContinent(all)]
  if (group.length > 1 && [...its].every(([one, size]) => one !== null && whole.get(one) === size))
    return `continent ${[...its.keys()].join(', ')}`
  return `country ${joinNames(group.map(({ country, continent }) => country ?? continent ?? '?'))}`
}

function joinNames(texts: readonly string[]): string {
  const more = texts.length - shownNames
  return texts.slice(0, shownNames).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

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
  const stretches = [new Uint8Array(4), new Uint8Array(16), ...all.flatMap(boundariesOf)]
  const known = stretches.map((octets) => ({ family: familyOf(octets), octets }))
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

/** Where it begins, and what comes after it. */
function boundariesOf({ octets, prefixLength }: Network): readonly Uint8Array[] {
  const after = octets.slice()
  // Adds one at the last bit of the prefix; past the last network there is nothing.
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
