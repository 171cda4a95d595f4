// Settings as each of the three sources gives them: mxsteer.yaml, environment variables, flags.

import { nearest } from '../lib/suggest-name.ts'
import type { ProblemCode } from '../zone/compile/problem.ts'
import { maskSecrets, type Diagnostic } from '../zonefile/diagnostic.ts'
import { printable } from '../lib/printable.ts'
import { parseDocument } from '../zonefile/document.ts'
import { shapeProblems } from '../zonefile/schema-problems.ts'
import type { GivenSettings, SettingKey } from './setting-values.ts'
import { settingKeys, settingsFileSchema, settingsTable, variableOf } from './settings-table.ts'

export interface SourceRead {
  readonly values: GivenSettings
  readonly diagnostics: readonly Diagnostic[]
}

/** Reads mxsteer.yaml. Every setting is optional, so an empty file is valid. */
export function readSettingsFile(file: string, octets: Uint8Array): SourceRead {
  const parsed = parseDocument(file, octets)
  const text = Buffer.from(octets).toString()
  if (parsed.kind === 'bad')
    return { values: {}, diagnostics: withoutSecrets(text, parsed.diagnostics) }
  const { document } = parsed
  const read = settingsFileSchema.safeParse(document.value ?? {})
  const issues = read.success ? [] : read.error.issues
  const diagnostics = document.toDiagnostics([
    ...document.problems,
    ...shapeProblems(issues, document.value).map(({ problem }) => problem),
  ])
  return {
    values: read.success ? read.data : {},
    diagnostics: withoutSecrets(text, diagnostics),
  }
}

/**
 * Diagnostics without what may be a secret. Only lines under a key that is a setting, and no secret,
 * are shown: a misspelt, doubled or quoted key hides its lines as a secret does, and so does
 * a map in flow style and a comment.
 */
function withoutSecrets(text: string, diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const lines = text.split(/\r\n|[\r\n]/)
  return diagnostics.map((diagnostic) => {
    const at = lines.findLastIndex((line, i) => i < diagnostic.line && /^[^\s#]/.test(line))
    const key = /^(\w+)\s*:(?=\s|$)/.exec(lines[at] ?? '')?.[1]
    const line = lines[diagnostic.line - 1] ?? ''
    if (key === undefined || !isPublicKey(key))
      return { ...diagnostic, message: maskWords(diagnostic.message, line), excerpt: '' }
    return /#|\{.*:/.test(line) ? { ...diagnostic, excerpt: '' } : diagnostic
  })
}

const isPublicKey = (key: string): boolean =>
  Object.hasOwn(settingsTable, key) && settingsTable[key as SettingKey].isSecret !== true

/** Replaces the words of a value by asterisks: messages of the YAML library name aliases and tags. */
function maskWords(message: string, line: string): string {
  const words = line.slice(line.indexOf(':') + 1).match(/[^\s'"*&!#,{}[\]]{4,}/g) ?? []
  const secret = words.filter((word) => !/^(?:redis|rediss|memory)$/.test(word))
  return secret.reduce((text, word) => text.replaceAll(word, '*'.repeat(word.length)), message)
}

const variablePrefix = 'MXSTEER_'

const configVariable = `${variablePrefix}CONFIG`

/** Settings that flags and variables can give. */
const textKeys: readonly SettingKey[] = settingKeys.filter(
  (key) => settingsTable[key].isFileOnly !== true,
)

const keyOfVariable: ReadonlyMap<string, SettingKey> = new Map(
  textKeys.map((key) => [variableOf(key), key]),
)

interface VariablesRead extends SourceRead {
  readonly warnings: readonly Diagnostic[]
}

/**
 * Reads environment variables. An empty one counts as absent, since that is how orchestrators clear
 * one. Unknown ones are ignored, since orchestrators set some of their own (`MXSTEER_PORT`,
 * `MXSTEER_SERVICE_HOST` for a service of that name); a name close to a known one is a warning.
 */
export function readVariables(env: Readonly<Record<string, string | undefined>>): VariablesRead {
  const given: TextSetting[] = []
  const warnings: Diagnostic[] = []
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(variablePrefix) || !text || name === configVariable) continue
    const key = keyOfVariable.get(name)
    if (key === undefined) warnings.push(...warnOfMisspelling(name))
    else {
      const value = settingsTable[key].isList === true ? text.split(',') : text
      given.push({ origin: name, key, value })
    }
  }
  return { ...readTexts(given), warnings }
}

function warnOfMisspelling(name: string): readonly Diagnostic[] {
  const suggestion = nearest(name, [...keyOfVariable.keys(), configVariable])
  if (!suggestion || name === `${variablePrefix}PORT`) return []
  const message = `unknown variable, did you mean ${suggestion}?`
  return [originDiagnostic(name, 'unknown-variable', message, 'warning')]
}

/** Reads flags by name without `--`; a flag that may be repeated has a list. */
export function readFlags(
  flags: Readonly<Record<string, string | readonly string[] | undefined>>,
): SourceRead {
  const given: TextSetting[] = []
  for (const [flag, value] of Object.entries(flags)) {
    if (value === undefined || flag === 'config') continue
    given.push({ origin: `--${flag}`, key: flag.replaceAll('-', '_'), value })
  }
  return readTexts(given)
}

/** A setting given as text, by a flag or a variable. */
interface TextSetting {
  /** `--listen` or `MXSTEER_LISTEN`: diagnostics name it in place of a file. */
  readonly origin: string
  readonly key: string
  readonly value: string | readonly string[]
}

function readTexts(given: readonly TextSetting[]): SourceRead {
  const values: Record<string, unknown> = {}
  const diagnostics: Diagnostic[] = []
  for (const { origin, key, value } of given) {
    if (!isTextKey(key)) {
      const suggestion = nearest(key, textKeys)
      const message = `unknown setting${suggestion ? `, did you mean ${suggestion.replaceAll('_', '-')}?` : ''}`
      diagnostics.push(originDiagnostic(origin, 'unknown-key', message))
      continue
    }
    const parsed = settingsTable[key].schema.safeParse(value)
    if (parsed.success) values[key] = parsed.data
    else {
      for (const issue of parsed.error.issues)
        diagnostics.push(originDiagnostic(origin, 'bad-value', issue.message))
    }
  }
  return { values, diagnostics }
}

const isTextKey = (key: string): key is SettingKey => (textKeys as readonly string[]).includes(key)

/** A diagnostic that names a flag, a variable or a key where others name a file; it has no line. */
export function originDiagnostic(
  origin: string,
  code: ProblemCode,
  message: string,
  severity: Diagnostic['severity'] = 'error',
): Diagnostic {
  const nowhere = { line: 0, column: 0, path: '', excerpt: '' }
  return { severity, code, file: origin, ...nowhere, message: printable(maskSecrets(message)) }
}
