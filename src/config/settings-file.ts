// mxsteer.yaml → the settings that it gives.

import type { DocumentPath, Problem } from '../zone/problem.ts'
import { type ConfigDocument, parseDocument } from './document.ts'
import type { Mistake } from './mistake.ts'
import { shapeProblems } from './schema-problems.ts'
import {
  type FileOnly,
  type SettingValues,
  isStoreUrl,
  settingsFileSchema,
} from './settings-schema.ts'
import { storeUnavailable } from './store-unavailable.ts'

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
  if (namesStore(document.value)) problems.push(storeProblem)
  const found = [...mistakes, ...problems.map((problem) => document.toMistake(problem))]
  return { values: read.success ? read.data : {}, mistakes: hideSecrets(document, found) }
}

const storeProblem: Problem = {
  severity: 'error',
  code: 'state-unavailable',
  path: ['state'],
  at: 'value',
  message: storeUnavailable,
}

function namesStore(value: unknown): boolean {
  const state: unknown = (value as { state?: unknown } | null)?.state
  return typeof state === 'string' && isStoreUrl(state)
}

/** What stands at `state` may be a URL with a slip in it, and its password. */
const withoutSecret = (problem: Problem): Problem =>
  problem.path[0] === 'state' ? { ...problem, message: 'expected memory' } : problem

/** Nor is it shown by the excerpt of another mistake on its line; and so are the secrets of cookies. */
function hideSecrets(document: ConfigDocument, mistakes: readonly Mistake[]): readonly Mistake[] {
  const lines = new Set(secretPaths(document.value).map((path) => lineOf(document, path)))
  return mistakes.map((one) => (lines.has(one.line) ? { ...one, excerpt: '' } : one))
}

function secretPaths(value: unknown): DocumentPath[] {
  const {
    state,
    admin_token: token,
    cookie_secret: cookies,
  } = (value ?? {}) as Record<string, unknown>
  const paths: DocumentPath[] = []
  if (state !== undefined) paths.push(['state'])
  if (token !== undefined) paths.push(['admin_token'])
  if (cookies !== undefined) paths.push(['cookie_secret'])
  if (Array.isArray(cookies)) for (const i of cookies.keys()) paths.push(['cookie_secret', i])
  return paths
}

const lineOf = (document: ConfigDocument, path: DocumentPath): number =>
  document.toMistake({ ...storeProblem, path }).line
