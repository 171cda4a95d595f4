// Overrides as words: what one does, and how long it lasts.

import type { OverridePreview, OverrideRow } from '../../../src/admin/override-view.ts'
import { figure, percent } from '../../parts/figures.ts'
import { shown } from '../../parts/shown.ts'

export type OverrideKind = OverrideRow['kind']

/** The verb of the dialog and its button. */
export const kindVerbs: Readonly<Record<OverrideKind, string>> = {
  drain: 'Drain',
  disable: 'Disable',
  up: 'Take as up',
  weight: 'Set weight of',
}

/** `drained`, `weight × 0.5`, `weight 3`, `20 % of its pool`. */
export function overrideWords(
  row: Pick<OverrideRow, 'kind' | 'factor' | 'weight' | 'share'>,
): string {
  switch (row.kind) {
    case 'drain':
      return 'drained'
    case 'disable':
      return 'disabled'
    case 'up':
      return 'taken as up'
    case 'weight':
      if (row.factor !== undefined) return `weight × ${figure(row.factor)}`
      if (row.weight !== undefined) return `weight ${figure(row.weight)}`
      return `${percent(row.share ?? 0, 0)} of its pool`
    default:
      return row.kind satisfies never
  }
}

/** How long an override is to last: seconds from now, a time, or until it is undone. */
export type Lasting =
  | { readonly kind: 'seconds'; readonly seconds: number }
  | { readonly kind: 'until'; readonly until: string }
  | { readonly kind: 'open' }

export const lastingChoices: readonly { readonly seconds: number; readonly text: string }[] = [
  { seconds: 900, text: '15 min' },
  { seconds: 3600, text: '1 h' },
  { seconds: 7200, text: '2 h' },
  { seconds: 28_800, text: '8 h' },
]

export function lastingWords(lasting: Lasting): string {
  switch (lasting.kind) {
    case 'seconds':
      return `for ${lastingChoices.find(({ seconds }) => seconds === lasting.seconds)?.text ?? `${lasting.seconds} s`}`
    case 'until':
      return lasting.until === '' ? 'until …' : `until ${lasting.until.replace('T', ' ')} UTC`
    case 'open':
      return 'until undone'
    default:
      return lasting satisfies never
  }
}

/** The fields of a body that say it; null: no time is given yet. */
export function lastingFields(lasting: Lasting): Readonly<Record<string, unknown>> | null {
  switch (lasting.kind) {
    case 'seconds':
      return { seconds: lasting.seconds }
    case 'until':
      return lasting.until === '' ? null : { until: `${lasting.until}Z` }
    case 'open':
      return {}
    default:
      return lasting satisfies never
  }
}

/** `eu then goes to ams1 60 %, fra1 40 %`: who has the first choices of a pool afterwards, most first. */
export function poolSentence({ pool, members }: OverridePreview['pools'][number]): {
  readonly pool: string
  readonly shares: readonly {
    readonly target: string
    readonly before: number
    readonly after: number
  }[]
} {
  const shares = members
    .filter(({ share }) => share.after > 0 || share.before > 0)
    .map(({ target, share }) => ({ target: shown(target), ...share }))
    .toSorted((a, b) => b.after - a.after)
  return { pool: shown(pool), shares }
}

/** When caches have let go of a target that is named no more; the later of both where the fleet says too. */
export function letGoMs(exposures: readonly (string | null)[]): number | null {
  const times = exposures.flatMap((one) => (one === null ? [] : [Date.parse(one)]))
  return times.length === 0 ? null : Math.max(...times)
}
