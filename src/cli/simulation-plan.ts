// What the command line of `simulate` asks for.

import { type Grouping, groupings } from '../explain/simulate.ts'
import type { OverrideAction } from '../health/overrides.ts'
import { systemClock } from '../lib/clock.ts'
import { parseName } from '../wire/name.ts'
import { typeFromText } from '../wire/rrtype.ts'
import type { Assumptions } from './assumed-health.ts'
import { clientLimit } from './client-list.ts'
import type { FlagValues } from './flags.ts'

export interface SimulationPlan {
  readonly name: Uint8Array
  readonly nameText: string
  readonly type: number
  readonly typeText: string
  /** A number of random ones, or a file. */
  readonly clients: number | string
  readonly rounds: number | null
  readonly seed: number
  readonly by: Grouping
  readonly assumptions: Assumptions
  /** Those of `assumptions`, as they were given. */
  readonly overrides: readonly string[]
}

export type Bad = { readonly why: string }

export function readPlan(words: readonly string[], values: FlagValues): SimulationPlan | Bad {
  const [nameText, typeText = 'MX', ...rest] = words
  if (nameText === undefined || rest.length > 0)
    return { why: 'give a name and a type, for example: smtp.example.com MX' }
  const name = parseName(nameText)
  if (name.kind === 'bad') return { why: `${JSON.stringify(nameText)}: ${name.why}` }
  const type = typeFromText(typeText)
  if (type === undefined) return { why: `${JSON.stringify(typeText)} is no type, such as MX` }
  const by = String(values['by'] ?? 'continent') as Grouping
  if (!groupings.includes(by)) return { why: `--by: expected ${groupings.join(', ')}` }
  const numbers = readNumbers(values)
  if ('why' in numbers) return numbers
  const assumptions = readAssumptions(values)
  if ('why' in assumptions) return assumptions
  return {
    name: name.name,
    nameText,
    type,
    typeText: typeText.toUpperCase(),
    by,
    ...numbers,
    assumptions,
    overrides: [
      ...listOf(values['drain']).map((target) => `drain ${target}`),
      ...listOf(values['weight']).map((text) => `weight ${text}`),
    ],
  }
}

function readNumbers(
  values: FlagValues,
): Pick<SimulationPlan, 'clients' | 'rounds' | 'seed'> | Bad {
  const clientsText = String(values['clients'] ?? '10000')
  const clients = wholeNumber(clientsText) ?? clientsText
  if (clients === 0 || (typeof clients === 'number' && clients > clientLimit))
    return { why: `--clients: a file, or a number from 1 to ${clientLimit}` }
  const seed = wholeNumber(String(values['seed'] ?? '1'))
  if (seed === null) return { why: '--seed: expected a whole number' }
  const rounds = values['rounds'] === undefined ? null : wholeNumber(String(values['rounds']))
  if (values['rounds'] !== undefined && !rounds) return { why: '--rounds: a number above 0' }
  return { clients, seed, rounds }
}

const wholeNumber = (text: string): number | null => (/^\d{1,9}$/.test(text) ? Number(text) : null)

function readAssumptions(values: FlagValues): Assumptions | Bad {
  const at = values['at']
  const atMs = at === undefined ? systemClock.wallMs() : Date.parse(String(at))
  if (Number.isNaN(atMs))
    return { why: '--at: expected a day or a time, such as 2026-12-03 or 2026-12-03T08:00:00Z' }
  const actions: { target: string; action: OverrideAction }[] = []
  for (const target of listOf(values['drain'])) actions.push({ target, action: { kind: 'drain' } })
  for (const text of listOf(values['weight'])) {
    const read = /^([^=]+)=(\d+(?:\.\d+)?)(%?)$/.exec(text)
    if (!read) return { why: `--weight: ${JSON.stringify(text)}, expected mx1=3 or mx1=50%` }
    const [, target = '', amount, percent] = read
    const weight =
      percent === '%'
        ? ({ unit: 'factor', value: Number(amount) / 100 } as const)
        : ({ unit: 'absolute', value: Number(amount) } as const)
    actions.push({ target, action: { kind: 'weight', weight } })
  }
  return { down: listOf(values['down']), actions, atMs }
}

/** Repeated, or with commas. */
const listOf = (value: FlagValues[string]): string[] =>
  [value ?? []].flat().flatMap((text) => text.split(',').filter((word) => word !== ''))
