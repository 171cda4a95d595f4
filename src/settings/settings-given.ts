// Settings given one by one, as flags or variables: mistakes name the flag or the variable, not a line.

import { nearest } from '../lib/suggest-name.ts'
import type { ProblemCode } from '../zone/compile/problem.ts'
import { maskSecrets, printable } from '../zonefile/excerpt.ts'
import type { Mistake } from '../zonefile/mistake.ts'
import {
  type SettingKey,
  type SettingValues,
  settingKeys,
  settingSchemas,
} from './settings-schema.ts'
import { expectedState } from './store-url.ts'

export interface Given {
  /** `--listen` or `MXSTEER_LISTEN`. */
  readonly origin: string
  readonly key: string
  readonly value: string | readonly string[]
}

export interface GivenSettings {
  readonly values: SettingValues
  readonly mistakes: readonly Mistake[]
}

export function readGiven(given: readonly Given[]): GivenSettings {
  const values: Record<string, unknown> = {}
  const mistakes: Mistake[] = []
  for (const { origin, key, value } of given) {
    if (!isSettingKey(key)) {
      const meant = nearest(key, settingKeys)
      const message = `unknown setting${meant ? `, did you mean ${meant.replaceAll('_', '-')}?` : ''}`
      mistakes.push(givenMistake(origin, 'unknown-key', message))
      continue
    }
    const parsed = settingSchemas[key].safeParse(value)
    if (!parsed.success) {
      // A list has a mistake an item; all of them are said.
      for (const issue of parsed.error.issues) {
        // What stands at the state may be a URL with a slip in it, and its password.
        const message = key === 'state' ? expectedState : issue.message
        mistakes.push(givenMistake(origin, 'bad-value', message))
      }
    } else {
      values[key] = parsed.data
    }
  }
  return { values, mistakes }
}

const isSettingKey = (key: string): key is SettingKey => Object.hasOwn(settingSchemas, key)

export function givenMistake(
  origin: string,
  code: ProblemCode,
  message: string,
  severity: Mistake['severity'] = 'error',
): Mistake {
  const nowhere = { line: 0, column: 0, path: '', excerpt: '' }
  return { severity, code, file: origin, ...nowhere, message: printable(maskSecrets(message)) }
}
