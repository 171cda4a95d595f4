// An override as it lies in the store: JSON with these fields, read as strictly as an admin request is, and `from`: the
// instance that was told, for the logs of the others.

import type { Override, OverrideAction, OverrideWeight } from '../../health/overrides.ts'
import { isInstanceName } from './state-records.ts'

const longestRecord = 2048
const weightLimits = { factor: 100, absolute: 65_535, share: 0.99 }

export const formatOverride = (override: Override, from?: string): string =>
  JSON.stringify({ ...override, from })

/** null: not one. */
export function parseOverride(value: unknown): Override | null {
  const given = readJson(value)
  if (given === null) return null
  const action = readAction(given['action'])
  const { id, zone, target, pool, why, by, setMs, untilMs } = given
  const isNamed = isText(id, 1, 64) && isText(zone, 1, 255) && isText(target, 1, 255)
  if (action === null || !isNamed || !(pool === null || isText(pool, 1, 255))) return null
  if (!isText(why, 0, 200) || !isText(by, 0, 100)) return null
  if (!isTime(setMs)) return null
  const named = { id, zone, target, pool, action, why, by, setMs }
  if (untilMs === null) return action.kind === 'disable' ? { ...named, untilMs } : null
  return isTime(untilMs) ? { ...named, untilMs } : null
}

/** Of what parseOverride takes; null: it is not told. */
export function parseOrigin(value: unknown): string | null {
  const from = readJson(value)?.['from']
  return isInstanceName(from) ? from : null
}

function readJson(value: unknown): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'string' || value.length > longestRecord) return null
  try {
    const parsed: unknown = JSON.parse(value)
    return isMap(parsed) ? parsed : null
  } catch {
    return null
  }
}

function readAction(value: unknown): OverrideAction | null {
  if (!isMap(value)) return null
  const { kind, weight } = value
  if (kind === 'drain' || kind === 'disable' || kind === 'up') return { kind }
  const read = kind === 'weight' ? readWeight(weight) : null
  return read && { kind: 'weight', weight: read }
}

function readWeight(value: unknown): OverrideWeight | null {
  if (!isMap(value)) return null
  const { unit, value: amount } = value
  if (unit !== 'factor' && unit !== 'absolute' && unit !== 'share') return null
  if (typeof amount !== 'number' || !(amount >= 0 && amount <= weightLimits[unit])) return null
  return { unit, value: amount }
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isText = (value: unknown, min: number, max: number): value is string =>
  typeof value === 'string' &&
  value.length >= min &&
  value.length <= max &&
  !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u.test(value)

/** Up to the year 9999. */
const isTime = (value: unknown): value is number =>
  typeof value === 'number' && value > 0 && value < 253_402_300_800_000
