// What is assumed, as it stands in the address; and shares before and after.

import type { GroupView } from '../../../src/explain/simulate.ts'
import { percent } from '../../parts/figures.ts'

export interface Assumed {
  readonly down: readonly string[]
  readonly drain: readonly string[]
  /** A day, or ''. */
  readonly at: string
  readonly by: string
  readonly health: string
}

export const readAssumed = (query: URLSearchParams): Assumed => ({
  down: query.getAll('down'),
  drain: query.getAll('drain'),
  at: query.get('at') ?? '',
  by: query.get('by') ?? 'continent',
  health: query.get('health') ?? 'live',
})

const isTarget = (name: string): boolean => !name.includes(':')

/** The command takes every target as up that is not named, and knows neither pools nor regions. */
export function simulateCommand(
  chosen: { readonly name: string; readonly type: string } | null,
  { down, drain, at, by }: Assumed,
): string {
  const flags = [
    ...down.filter(isTarget).map((name) => `--down ${name}`),
    ...drain.filter(isTarget).map((name) => `--drain ${name}`),
    ...(at === '' ? [] : [`--at ${at}`]),
    `--by ${by}`,
  ]
  const { name = 'smtp.example.com', type = 'MX' } = chosen ?? {}
  return `mxsteer simulate ${name} ${type} ${flags.join(' ')}`
}

export interface SharePair {
  readonly target: string
  readonly before: number
  readonly after: number
}

/** Expected shares where there are any, else drawn ones; targets without a share on either side are left out. */
export function pairsOf(was: GroupView, is: GroupView): readonly SharePair[] {
  const [before, after] = [sharesOf(was), sharesOf(is)]
  return [...new Set([...before.keys(), ...after.keys()])]
    .map((target) => ({
      target,
      before: before.get(target) ?? 0,
      after: after.get(target) ?? 0,
    }))
    .filter((one) => one.before > 0 || one.after > 0)
    .toSorted((a, b) => b.before - a.before || b.after - a.after)
}

const sharesOf = ({ targets }: GroupView): ReadonlyMap<string, number> =>
  new Map(targets.map(({ target, expected, drawn }) => [target, expected ?? drawn]))

export function changedText(before: number, after: number): string {
  const [was, is] = [percent(before), percent(after)]
  return was === is ? was : `${was} → ${is}`
}
