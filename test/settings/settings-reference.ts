// The table of settings as docs/settings.md shows it.

import {
  settingFlags,
  settingKeys,
  settingsTable,
  variableOf,
} from '../../src/settings/settings-table.ts'
import type { SettingKey } from '../../src/settings/setting-values.ts'

/** Rows of a Markdown table, without its head: key, flag, variable, default, accepted values, meaning. */
export const settingsReference = (): string[] => [...settingKeys.map(rowOf), configRow]

function rowOf(key: SettingKey): string {
  const row = settingsTable[key]
  const standard = 'default' in row ? `\`${row.default}\`` : row.otherwise
  const accepts = row.isSecret ? `${row.accepts} (secret)` : row.accepts
  return lineOf([`\`${key}\``, flagOf(key), variableCell(key), standard, accepts, row.about])
}

function flagOf(key: string): string {
  const flag = settingFlags.find(({ name }) => name === key.replaceAll('_', '-'))
  return flag ? `\`--${flag.name} ${flag.value}\`${flag.isRepeatable ? ', repeated' : ''}` : ''
}

function variableCell(key: SettingKey): string {
  const { isFileOnly, isList } = settingsTable[key]
  if (isFileOnly) return ''
  return `\`${variableOf(key)}\`${isList ? ', with commas' : ''}`
}

const configRow = lineOf([
  '',
  flagOf('config'),
  '`MXSTEER_CONFIG`',
  '`mxsteer.yaml` if there is one',
  'path',
  'the settings file itself',
])

function lineOf(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}
