// From zod's issues to problems with messages for operators, and to repairs that let later checks
// run.

import type { z } from 'zod'
import type { DocumentPath, Problem } from '../zone/compile/problem.ts'
import { adviseOnFile, adviseOnKey, adviseOnPair, keyMeant } from '../lib/advice.ts'
import { show } from './leaf.ts'

/** A problem that the schema found, with the repair that lets later checks run. */
export interface ShapeProblem {
  readonly problem: Problem
  readonly repair: Repair
}

type Repair =
  | { readonly kind: 'replace'; readonly value: unknown }
  | { readonly kind: 'remove' }
  /** The key is a misspelling of `to`. */
  | { readonly kind: 'rename'; readonly to: string }

type Issue = z.core.$ZodIssue

/** Of one map: the search for a similar key takes a while, and 100 mistakes of a file are shown. */
const maxUnknownKeys = 1000

/** `value`: what the schema was given; messages show parts of it. */
export function shapeProblems(issues: readonly Issue[], value: unknown): readonly ShapeProblem[] {
  const problems: ShapeProblem[] = []
  const suggested = new Set<string>()
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue
    const known = issue.message.split(' ')
    for (const key of issue.keys.slice(0, maxUnknownKeys)) {
      const suggestion = keyMeant(key, known)
      if (suggestion) suggested.add(keyOf([...stepsOf(issue), suggestion]))
      const problem = unknownKey([...stepsOf(issue), key], key, { suggestion, known })
      problems.push({
        problem,
        repair: suggestion ? { kind: 'rename', to: suggestion } : { kind: 'remove' },
      })
    }
  }
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') continue
    const path = stepsOf(issue)
    const got = valueAt(value, path)
    // `target:` in place of `targets:` is one problem: not an unknown key and a missing one.
    if (got === undefined && suggested.has(keyOf(path))) continue
    problems.push(describe(issue, path, got))
  }
  return problems
}

const keyOf = (path: DocumentPath): string => JSON.stringify(path)

const stepsOf = (issue: Issue): DocumentPath =>
  issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))

function unknownKey(
  path: DocumentPath,
  key: string,
  { suggestion, known }: { suggestion: string | null; known: readonly string[] },
): Problem {
  const hint = suggestion ? `did you mean ${JSON.stringify(suggestion)}?` : adviseOnKey(key, known)
  const message = `unknown key ${JSON.stringify(key.slice(0, 64))}, ${hint}`
  return { severity: 'error', code: 'unknown-key', path, at: 'key', message }
}

function describe(issue: Issue, path: DocumentPath, got: unknown): ShapeProblem {
  const code = got === undefined ? 'missing' : 'bad-value'
  const [told, repair] = messageAndRepair(issue, got)
  const pair = got === null ? adviseOnPair(String(path.at(-1) ?? '')) : null
  const message = pair === null ? told : `${told}: ${pair}`
  return { problem: { severity: 'error', code, path, at: 'value', message }, repair }
}

function messageAndRepair(issue: Issue, got: unknown): readonly [string, Repair] {
  const lead = got === undefined ? 'missing, ' : ''
  const tail = got === undefined ? '' : `, got ${show(got)}`
  switch (issue.code) {
    case 'custom':
      return [issue.message, replaceOrRemove(issue.params?.['fallback'])]
    case 'invalid_type':
      return [
        noMap(issue, got) ?? `${lead}expected ${shapeOf(issue)}${tail}`,
        replaceOrRemove(issue.expected === 'array' ? [] : Object.create(null)),
      ]
    case 'too_small':
      return ['expected at least one, got an empty list', { kind: 'remove' }]
    case 'too_big':
      return [
        `expected at most ${issue.maximum}, got ${Array.isArray(got) ? got.length : show(got)}`,
        { kind: 'remove' },
      ]
    default:
      return [`${lead}${issue.message}`, { kind: 'remove' }]
  }
}

/** With the example that the schema has. */
function shapeOf({ expected, message }: Extract<Issue, { code: 'invalid_type' }>): string {
  const shape = expected === 'array' ? 'a list' : 'a map'
  return message.startsWith('Invalid input') ? shape : `${shape} such as ${message}`
}

/** Of a file as a whole; null: a value in one. */
function noMap({ path }: Issue, got: unknown): string | null {
  if (path.length > 0) return null
  if (got === null) return 'the file is empty, expected zone, soa and records'
  const advice = typeof got === 'string' ? adviseOnFile(got) : null
  return advice ?? `expected lines of KEY: VALUE, got ${show(got)}`
}

const replaceOrRemove = (value: unknown): Repair =>
  value === undefined ? { kind: 'remove' } : { kind: 'replace', value }

function valueAt(value: unknown, path: DocumentPath): unknown {
  let current = value
  for (const step of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, step)) {
      return undefined
    }
    current = (current as Record<string | number, unknown>)[step]
  }
  return current
}

/** Changes `value` by the repairs. false: a repair does not fit the value. */
export function applyRepairs(value: unknown, problems: readonly ShapeProblem[]): boolean {
  return problems.every(({ problem, repair }) => {
    const holder = valueAt(value, problem.path.slice(0, -1))
    const step = problem.path.at(-1)
    if (typeof holder !== 'object' || holder === null || step === undefined) return false
    return applyRepair(holder as Record<string | number, unknown>, step, repair)
  })
}

function applyRepair(
  holder: Record<string | number, unknown>,
  step: string | number,
  repair: Repair,
): boolean {
  if (repair.kind === 'replace') {
    holder[step] = repair.value
    return true
  }
  if (Array.isArray(holder)) return false
  if (repair.kind === 'rename' && !Object.hasOwn(holder, repair.to))
    holder[repair.to] = holder[step]
  delete holder[step]
  return true
}
