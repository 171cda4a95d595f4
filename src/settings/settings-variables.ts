// Environment variables → settings. Unknown ones are let be, since orchestrators set variables of their own
// (`MXSTEER_PORT`, `MXSTEER_SERVICE_HOST` for a service of that name); a slip of the pen is warned of.

import { nearest } from '../lib/suggest-name.ts'
import type { Mistake } from '../zonefile/mistake.ts'
import { type Given, givenMistake } from './settings-given.ts'
import { settingKeys } from './settings-schema.ts'

const prefix = 'MXSTEER_'
const variables: ReadonlyMap<string, string> = new Map(
  settingKeys.map((key) => [prefix + key.toUpperCase(), key]),
)

/** Comma-separated. */
const lists: ReadonlySet<string> = new Set(['listen', 'cookie_secret', 'canaries', 'probe_source'])

export interface VariablesGiven {
  readonly given: readonly Given[]
  readonly warnings: readonly Mistake[]
}

/** Empty variables count as absent, as composing tools leave them. */
export function variablesGiven(env: Readonly<Record<string, string | undefined>>): VariablesGiven {
  const given: Given[] = []
  const warnings: Mistake[] = []
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(prefix) || !value) continue
    const key = variables.get(name)
    if (key !== undefined && lists.has(key))
      given.push({ origin: name, key, value: value.split(',') })
    else if (key !== undefined) given.push({ origin: name, key, value })
    else if (name !== `${prefix}CONFIG`) warnings.push(...warnOfSlip(name))
  }
  return { given, warnings }
}

function warnOfSlip(name: string): readonly Mistake[] {
  const meant = nearest(name, [...variables.keys(), `${prefix}CONFIG`])
  if (!meant || name === `${prefix}PORT`) return []
  const message = `unknown variable, did you mean ${meant}?`
  return [givenMistake(name, 'unknown-variable', message, 'warning')]
}
