// Settings as each of the three sources gives them: mxsteer.yaml, environment variables, flags.

import { nearest } from '../lib/suggest-name.ts'
import type { DocumentPath, Problem, ProblemCode } from '../zone/compile/problem.ts'
import { maskSecrets, type Diagnostic } from '../zonefile/diagnostic.ts'
import { printable } from '../lib/printable.ts'
import { type ConfigDocument, parseDocument } from '../zonefile/document.ts'
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
  if (parsed.kind === 'bad') return { values: {}, diagnostics: parsed.diagnostics }
  const { document } = parsed
  const read = settingsFileSchema.safeParse(document.value ?? {})
  const issues = read.success ? [] : read.error.issues
  const diagnostics = [
    ...parsed.diagnostics,
    ...shapeProblems(issues, document.value).map(({ problem }) => document.toDiagnostic(problem)),
  ]
  return {
    values: read.success ? read.data : {},
    diagnostics: withoutSecretLines(document, diagnostics),
  }
}

/**
 * A diagnostic of another setting on the line of a secret, or on a line of its list, would show it
 * in its excerpt.
 */
function withoutSecretLines(
  document: ConfigDocument,
  diagnostics: readonly Diagnostic[],
): readonly Diagnostic[] {
  const lines = new Set(secretPaths(document.value).map((path) => lineOf(document, path)))
  return diagnostics.map((diagnostic) =>
    lines.has(diagnostic.line) ? { ...diagnostic, excerpt: '' } : diagnostic,
  )
}

/** The paths of secrets in the file: the value of each, and each item of a list. */
function secretPaths(value: unknown): DocumentPath[] {
  const given = (value ?? {}) as Record<string, unknown>
  const paths: DocumentPath[] = []
  for (const key of settingKeys) {
    if (settingsTable[key].isSecret !== true || !Object.hasOwn(given, key)) continue
    const secret = given[key]
    paths.push([key])
    if (Array.isArray(secret)) for (const i of secret.keys()) paths.push([key, i])
  }
  return paths
}

const anyProblem: Omit<Problem, 'path'> = {
  severity: 'error',
  code: 'bad-value',
  at: 'value',
  message: '',
}

const lineOf = (document: ConfigDocument, path: DocumentPath): number =>
  document.toDiagnostic({ ...anyProblem, path }).line

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
