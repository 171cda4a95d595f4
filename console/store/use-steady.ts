// Values made of signals, for components that are to be drawn anew only where what they show has become another.

import { computed, type ReadonlySignal } from '@preact/signals'
import { useMemo } from 'preact/hooks'

type Fields = Readonly<Record<string, unknown>>
type IsSame = (a: unknown, b: unknown) => boolean

/**
 * What `compute` makes of signals, the same object as before while its fields are the same: values, or arrays of the same
 * values.
 */
export function steadily<Value extends object>(compute: () => Value): ReadonlySignal<Value> {
  let last: Value | null = null
  return computed(() => {
    const next = compute()
    if (last === null || !hasSameFields(last, next, isSameOrItems)) last = next
    return last
  })
}

/** The value of `steadily`. Another `compute` begins anew. */
export const useSteady = <Value extends object>(compute: () => Value): Value =>
  useMemo(() => steadily(compute), [compute]).value

/** Without a list of keys: each message asks it for each row. */
export function hasSameFields(a: object, b: object, isSame: IsSame): boolean {
  for (const key in a) if (!isSame((a as Fields)[key], (b as Fields)[key])) return false
  for (const key in b) if (!(key in a)) return false
  return true
}

const isSameOrItems = (a: unknown, b: unknown): boolean =>
  a === b ||
  (Array.isArray(a) &&
    Array.isArray(b) &&
    a.length === b.length &&
    a.every((item, i) => item === b[i]))
