// mxsteer.yaml → the settings that it gives.

import type { DocumentPath, Problem } from '../zone/compile/problem.ts'
import { type ConfigDocument, parseDocument } from '../zonefile/document.ts'
import type { Mistake } from '../zonefile/mistake.ts'
import { shapeProblems } from '../zonefile/schema-problems.ts'
import { type FileOnly, type SettingValues, settingsFileSchema } from './settings-schema.ts'
import { secretStateKeys } from './state-settings.ts'
import { expectedState } from './store-url.ts'

export interface FileSettings {
  readonly values: SettingValues & FileOnly
  readonly mistakes: readonly Mistake[]
}

export function readSettingsFile(file: string, octets: Uint8Array): FileSettings {
  const parsed = parseDocument(file, octets)
  if (parsed.kind === 'bad') return { values: {}, mistakes: parsed.mistakes }
  const { document, mistakes } = parsed
  // Everything is optional: a file of comments alone is a good one.
  const read = settingsFileSchema.safeParse(document.value ?? {})
  const issues = read.success ? [] : read.error.issues
  const problems = shapeProblems(issues, document.value).map(({ problem }) =>
    withoutSecret(problem),
  )
  const found = [...mistakes, ...problems.map((problem) => document.toMistake(problem))]
  return { values: read.success ? read.data : {}, mistakes: hideSecrets(document, found) }
}

/** What stands at `state` may be a URL with a slip in it, and its password. */
const withoutSecret = (problem: Problem): Problem =>
  problem.path[0] === 'state' ? { ...problem, message: expectedState } : problem

/** Nor is it shown by the excerpt of another mistake on its line; and so are the secrets of cookies. */
function hideSecrets(document: ConfigDocument, mistakes: readonly Mistake[]): readonly Mistake[] {
  const lines = new Set(secretPaths(document.value).map((path) => lineOf(document, path)))
  return mistakes.map((one) => (lines.has(one.line) ? { ...one, excerpt: '' } : one))
}

function secretPaths(value: unknown): DocumentPath[] {
  const {
    admin_token: token,
    load_token: loadToken,
    cookie_secret: cookies,
  } = (value ?? {}) as Record<string, unknown>
  const paths: DocumentPath[] = []
  for (const key of secretStateKeys) if (Object.hasOwn(value ?? {}, key)) paths.push([key])
  if (token !== undefined) paths.push(['admin_token'])
  if (loadToken !== undefined) paths.push(['load_token'])
  if (cookies !== undefined) paths.push(['cookie_secret'])
  if (Array.isArray(cookies)) for (const i of cookies.keys()) paths.push(['cookie_secret', i])
  return paths
}

const anyProblem: Omit<Problem, 'path'> = {
  severity: 'error',
  code: 'bad-value',
  at: 'value',
  message: '',
}

const lineOf = (document: ConfigDocument, path: DocumentPath): number =>
  document.toMistake({ ...anyProblem, path }).line
