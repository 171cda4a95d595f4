// The rules of a policy as JSON of /explain: the conditions of each, and which did not match this
// client.

import { formatAddress, type Network } from '../lib/ip.ts'
import type { Conditions, Rule } from '../steer/policy.ts'
import type { Locus } from '../steer/selection.ts'
import type { RuleTrace } from './trace.ts'

export interface RuleView {
  /** From 1, in the order of the file. */
  readonly number: number
  /** null: the catch-all. */
  readonly when: string | null
  readonly pools: readonly string[]
  readonly verdict: 'matched' | 'failed' | 'not-asked'
  readonly failed: readonly FailedCondition[]
}

interface FailedCondition {
  readonly condition: string
  readonly wanted: string
  /** The client's value; null: unknown. */
  readonly client: string | null
}

export function ruleViews(
  rules: readonly Rule[],
  traces: readonly RuleTrace[],
  locus: Locus,
): readonly RuleView[] {
  const matched = traces.findIndex(({ matches }) => matches)
  return rules.map(({ when, pools }, i) => ({
    number: i + 1,
    when: when && conditionsText(when),
    pools: pools.map(({ name }) => name),
    verdict: i === matched ? 'matched' : i < matched ? 'failed' : 'not-asked',
    failed: (traces[i]?.failed ?? []).map((key) => ({
      condition: conditionNames[key],
      wanted: when === null ? '' : valuesText(when, key),
      client: clientValue(locus, key),
    })),
  }))
}

type Key = keyof Conditions

const conditionNames: Readonly<Record<Key, string>> = {
  continents: 'continent',
  countries: 'country',
  asns: 'asn',
  networks: 'network',
}

/** `continent EU or AF and asn 64500`. */
export const conditionsText = (when: Conditions): string =>
  (Object.keys(conditionNames) as Key[])
    .filter((key) => when[key] !== null)
    .map((key) => `${conditionNames[key]} ${valuesText(when, key)}`)
    .join(' and ')

/** Values of a condition that are shown; the others are counted. */
const shownValues = 8

function valuesText(when: Conditions, key: Key): string {
  const values =
    key === 'networks' ? (when.networks ?? []).map(networkText) : (when[key] ?? []).map(String)
  const more = values.length > shownValues ? ` or ${values.length - shownValues} more` : ''
  return values.slice(0, shownValues).join(' or ') + more
}

const networkText = ({ octets, prefixLength }: Network): string =>
  `${formatAddress(octets)}/${prefixLength}`

function clientValue({ continent, country, asn, octets }: Locus, key: Key): string | null {
  switch (key) {
    case 'continents':
      return continent
    case 'countries':
      return country
    case 'asns':
      return asn === null ? null : String(asn)
    case 'networks':
      return formatAddress(octets)
    default:
      return key satisfies never
  }
}
