// Who gets whom: the classes of clients that a steered name tells apart, by the rule that decides for them, each with the
// pools that lead and the shares that targets have of its first choices, as health stands.

import type { Random } from '../lib/clock.ts'
import { formatAddress } from '../lib/ip.ts'
import { lookUp } from '../lib/prefix-tree.ts'
import { isSticky } from '../steer/draw/sticky.ts'
import type { SelectedSet } from '../steer/policy.ts'
import { createSteering } from '../steer/select/steering.ts'
import type { Place, PlaceNetworks } from '../steer/scope/place-networks.ts'
import type { Locus } from '../steer/selection.ts'
import { type ClientClasses, classesOf, type ClientPart, locusOf } from './client-classes.ts'
import { clientLabels, comparedPolicy, groupByRule } from './compare.ts'
import { createDryRun, type DryRunContext } from './dry-run.ts'
import type { Question } from './question.ts'
import { conditionsText } from './rule-view.ts'
import { expectedOf } from './shares.ts'
import type { Step } from './lookup-steps.ts'
import { traceSteering } from './trace.ts'

export interface WhoView {
  readonly policy: string
  /** In the order of the file. */
  readonly pools: readonly string[]
  readonly classes: readonly WhoClass[]
  /** Classes beyond those. */
  readonly more: number
}

export interface WhoClass {
  /** `continent EU, AF`, `country DE`, `AS64500`, `network 192.0.2.0/24`, `everyone else`; several of them. */
  readonly labels: readonly string[]
  /** The places of the country database whose clients are in this class, of whom no ASN or network is known. */
  readonly places: readonly Place[]
  /** An address of this class to ask with; null: none was found. */
  readonly example: string | null
  /** From 1; 0: the fixed ladder of `internal` networks. */
  readonly rule: number
  /** The conditions of the rule; null: it has none. */
  readonly when: string | null
  readonly pools: readonly { readonly pool: string; readonly lead: number }[]
  /** Shares of first choices; null: they cannot be told. */
  readonly targets: readonly { readonly target: string; readonly expected: number | null }[]
  /** No member of these pools is eligible: `on_all_down` decides. */
  readonly isLastResort: boolean
}

type WhoResult =
  | { readonly kind: 'who'; readonly who: WhoView }
  /** The answer is not steered by a policy. */
  | { readonly kind: 'not-steered'; readonly steps: readonly Step[] }

export const mostClasses = 300

/** Draws, where shares are not exact, and looks for an address of each place. */
const draws = 5000
const looks = 20_000

interface WhoInput {
  readonly world: DryRunContext & { readonly places: PlaceNetworks }
  readonly question: Pick<Question, 'name' | 'type'>
  readonly random: Random
}

export function whoGetsWhom({ world, question, random }: WhoInput): WhoResult {
  const anyone = { ...question, peer: new Uint8Array(4), subnet: null }
  const { found, steps } = createDryRun(world, random)(anyone)
  if (found === null || found.set.kind === 'target-address') return { kind: 'not-steered', steps }
  const { set } = found
  const places = world.places.country?.places.slice(1) ?? []
  const classes = classesOf([comparedPolicy(set)], places)
  const groups = groupByRule(classes, set, set)
  const examples = examplesOf(world.places, random)
  const context = { world, set, classes, places, examples, random }
  return {
    kind: 'who',
    who: {
      policy: set.policy.name,
      pools: poolNames(set),
      classes: groups
        .slice(0, mostClasses)
        .map(({ combinations }) => classView(context, combinations))
        .toSorted((a, b) => a.rule - b.rule),
      more: Math.max(0, groups.length - mostClasses),
    },
  }
}

/** Of every pool that a policy can answer from. */
function poolNames({ policy }: SelectedSet): readonly string[] {
  const { rules, onAllDown } = policy
  const backup = onAllDown.kind === 'backup' ? [onAllDown.pool] : []
  return [...new Set([...rules.flatMap(({ pools }) => pools), ...backup].map(({ name }) => name))]
}

interface ClassContext extends Omit<WhoInput, 'question'> {
  readonly set: SelectedSet
  readonly classes: ClientClasses
  readonly places: readonly Place[]
  /** An address of each place that one was found of. */
  readonly examples: ReadonlyMap<Place, Uint8Array>
}

function classView(
  { world, set, classes, places, examples, random }: ClassContext,
  combinations: readonly (readonly ClientPart[])[],
): WhoClass {
  const locus = locusOf(combinations[0] ?? [])
  const { rules, pools, isAllDown, isInternal } = traceSteering(set, locus, world.health)
  const steering = createSteering({ health: world.health, random, clock: world.clock })
  const { shares, draws: by } = expectedOf(set, locus, steering, draws)
  // Of a sticky set of several records the order depends on the clients.
  const isTold = by === 'exact' || !isSticky(set) || set.kind === 'exchange-slot'
  const rule = isInternal ? 0 : rules.findIndex(({ matches }) => matches) + 1
  const ofRule = placesUnder(set, rule, places, isInternal)
  const when = isInternal ? null : (set.policy.rules[rule - 1]?.when ?? null)
  return {
    labels: clientLabels(classes, combinations),
    places: ofRule,
    example: exampleOf(locus, ofRule, examples),
    rule,
    when: when && conditionsText(when),
    pools: isInternal ? [] : pools.map(({ pool, lead }) => ({ pool: pool.name, lead })),
    targets: [...shares]
      .toSorted(([a, its], [b, other]) => other - its || (a.name < b.name ? -1 : 1))
      .map(([{ name: target }, expected]) => ({ target, expected: isTold ? expected : null })),
    isLastResort: isAllDown && !isInternal,
  }
}

/** Places whose clients a rule decides for, whatever their ASN and network; those of `internal` are no places. */
function placesUnder(
  set: SelectedSet,
  rule: number,
  places: readonly Place[],
  isInternal: boolean,
): readonly Place[] {
  if (isInternal) return []
  return places.filter((place) => {
    const locus = locusOf([{ known: { ...place }, label: null }])
    const { rules } = set.policy
    return rules.findIndex(({ when }) => when === null || isOfPlace(when, locus)) + 1 === rule
  })
}

/** Conditions on ASN or network do not hold for a client of whom neither is known. */
const isOfPlace = (
  {
    continents,
    countries,
    asns,
    networks,
  }: NonNullable<SelectedSet['policy']['rules'][number]['when']>,
  { continent, country }: Locus,
): boolean =>
  asns === null &&
  networks === null &&
  (continents === null || (continent !== null && continents.includes(continent))) &&
  (countries === null || (country !== null && countries.includes(country)))

function exampleOf(
  { octets, continent, country }: Locus,
  places: readonly Place[],
  examples: ReadonlyMap<Place, Uint8Array>,
): string | null {
  for (const place of places) {
    const found = examples.get(place)
    if (found !== undefined) return formatAddress(found)
  }
  const isOfNetwork = continent === null && country === null && octets.some((octet) => octet !== 0)
  return isOfNetwork ? formatAddress(octets) : null
}

/** Random addresses by the place that the database has for them. */
function examplesOf({ country }: PlaceNetworks, random: Random): ReadonlyMap<Place, Uint8Array> {
  const examples = new Map<Place, Uint8Array>()
  if (country === null) return examples
  for (let i = 0; i < looks && examples.size < country.places.length; i++) {
    const octets = Uint8Array.from({ length: 4 }, () => Math.floor(random() * 256))
    const place = country.places[lookUp(country, octets)]
    if (place !== undefined) examples.set(place, examples.get(place) ?? octets)
  }
  return examples
}
