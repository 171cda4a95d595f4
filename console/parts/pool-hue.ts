// The colour of a pool, the same in every view: by its place among all pools, which no state changes.

import { computed } from '@preact/signals'

import { overview } from '../store/live.ts'

/** `--h1` to `--h8` of style/tokens.css. */
const hues = 8

/** Pools of one name in several zones have one colour. */
export function hueTable(pools: readonly string[]): ReadonlyMap<string, string> {
  const names = [...new Set(pools)]
  return new Map(names.map((pool, i) => [pool, `var(--h${(i % hues) + 1})`]))
}

const table = computed(() => hueTable((overview.value?.pools ?? []).map(({ pool }) => pool)))

/** As CSS writes it. Reads the overview: where it is called, a new pool draws anew. */
export const poolHue = (pool: string): string => table.value.get(pool) ?? hueOfName(pool)

/** Of a pool that the overview does not have (yet). */
function hueOfName(pool: string): string {
  let sum = 0
  for (const letter of pool) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 1_000_003
  return `var(--h${(sum % hues) + 1})`
}
