// What is assumed, as it stands in the address; and shares before and after.

import type { GroupView } from '../../../src/explain/simulate.ts'
import { commandLine } from '../../parts/command.ts'
import { percent } from '../../parts/figures.ts'

export interface Assumed {
  readonly down: readonly string[]
  readonly drain: readonly string[]
  /** `mx1=0.5`: a factor of the weight in force. */
  readonly weight: readonly string[]
  /** Instances whose votes are left out. */
  readonly without: readonly string[]
  /** A day, or ''. */
  readonly at: string
  readonly by: string
  readonly health: string
}

export const readAssumed = (query: URLSearchParams): Assumed => ({
  down: query.getAll('down'),
  drain: query.getAll('drain'),
  weight: query.getAll('weight').filter((one) => factorOf(one) !== null),
  without: query.getAll('without'),
  at: query.get('at') ?? '',
  by: query.get('by') ?? 'continent',
  health: query.get('health') ?? 'live',
})

/** Of `mx1=0.5`; null: it is none. */
export function factorOf(
  weight: string,
): { readonly name: string; readonly factor: number } | null {
  const [, name = '', factor] = /^(.+)=(\d+(?:\.\d+)?)$/s.exec(weight) ?? []
  return factor === undefined ? null : { name, factor: Number(factor) }
}

/** How a name stands: as it is (''), `down`, `drain`, or a factor of its weight such as `0.5`. */
export function standingOf({ down, drain, weight }: Assumed, name: string): string {
  if (down.includes(name)) return 'down'
  if (drain.includes(name)) return 'drain'
  const factor = weight.map(factorOf).find((one) => one?.name === name)?.factor
  return factor === undefined ? '' : String(factor)
}

/** The same with a name that stands otherwise. */
export function switched(assumed: Assumed, name: string, to: string): Assumed {
  const others = (names: readonly string[]): readonly string[] =>
    names.filter((one) => one !== name)
  const isFactor = factorOf(`x=${to}`) !== null
  return {
    ...assumed,
    down: [...others(assumed.down), ...(to === 'down' ? [name] : [])],
    drain: [...others(assumed.drain), ...(to === 'drain' ? [name] : [])],
    weight: [
      ...assumed.weight.filter((one) => factorOf(one)?.name !== name),
      ...(isFactor ? [`${name}=${to}`] : []),
    ],
  }
}

/** The body of POST /simulate. */
export const simulation = (
  chosen: { readonly name: string; readonly type: string },
  { at, weight, ...assumed }: Assumed,
): object => ({
  ...chosen,
  ...assumed,
  weights: Object.fromEntries(
    weight.flatMap((one) => {
      const { name, factor } = factorOf(one) ?? {}
      return name === undefined ? [] : [[name, factor]]
    }),
  ),
  ...(at === '' ? {} : { at }),
})

/** The command takes every target as up that is not named, and knows of no votes. */
export function simulateCommand(
  chosen: { readonly name: string; readonly type: string } | null,
  { down, drain, weight, at, by }: Assumed,
): string {
  const flags = [
    ...down.map((name) => ['down', name] as const),
    ...drain.map((name) => ['drain', name] as const),
    ...weight.flatMap((one) => {
      const { name, factor = 1 } = factorOf(one) ?? {}
      return name === undefined ? [] : [['weight', `${name}=${factor * 100}%`] as const]
    }),
    ...(at === '' ? [] : [['at', at] as const]),
    ['by', by] as const,
  ]
  const { name = 'smtp.example.com', type = 'MX' } = chosen ?? {}
  return commandLine({ verb: 'mxsteer simulate', words: [name, type], flags })
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
