// From zod's issues to problems with messages for operators, and to repairs that let later checks
// run.

import type { z } from 'zod'
import type { DocumentPath, Problem } from '../zone/compile/problem.ts'
import {
  adviseOnCommas,
  adviseOnFile,
  adviseOnKey,
  adviseOnKeys,
  adviseOnPair,
  isCutOff,
  keyMeant,
} from '../lib/advice.ts'
import { isMap, scalarText, show } from './leaf.ts'

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
  /** The keys `rest` beside it are parts of the value. */
  | { readonly kind: 'join'; readonly value: unknown; readonly rest: readonly string[] }

type Issue = z.core.$ZodIssue

/** Of one map: the search for a similar key takes a while, and 100 mistakes of a file are shown. */
const maxUnknownKeys = 1000

/** `value`: what the schema was given; messages show parts of it. */
export function shapeProblems(issues: readonly Issue[], value: unknown): readonly ShapeProblem[] {
  const foreign = foreignDocument(issues, value)
  if (foreign !== null) return [foreign]
  const problems: ShapeProblem[] = []
  // Where one mistake has several issues: paths whose issues are told of elsewhere.
  const told = new Set<string>()
  for (const [path, joined] of cutOffParts(issues, value)) {
    problems.push(joined.problem)
    const holder = path.slice(0, -1)
    for (const key of [path, ...joined.rest.map((one) => [...holder, one])]) told.add(keyOf(key))
  }
  for (const issue of issues) {
    if (issue.code !== 'unrecognized_keys') continue
    const holder = stepsOf(issue)
    for (const key of issue.keys.slice(0, maxUnknownKeys)) {
      if (told.has(keyOf([...holder, key]))) continue
      const given = valueAt(value, holder)
      const found = unknownKey([...holder, key], given, issue.message.split(' '))
      if (found.covers !== null) told.add(keyOf([...holder, found.covers]))
      problems.push(found)
    }
  }
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') continue
    const path = stepsOf(issue)
    if (!told.has(keyOf(path))) problems.push(describe(issue, path, valueAt(value, path)))
  }
  return problems
}

/** A document of something else is one mistake, and not one for each key. null: it may be a zone file. */
function foreignDocument(issues: readonly Issue[], value: unknown): ShapeProblem | null {
  const root = issues.find(({ code, path }) => code === 'unrecognized_keys' && path.length === 0)
  if (root === undefined || !isMap(value) || !root.message.split(' ').includes('zone')) return null
  const keys = Object.keys(value)
  const advice = adviseOnKeys(keys)
  if (advice === null) return null
  const message = `this is no zone file: ${advice}`
  const problem = { code: 'unknown-key', path: [keys[0] ?? ''], at: 'key', message } as const
  return { problem: { severity: 'error', ...problem }, repair: { kind: 'remove' } }
}

/**
 * Commas in a value within { } begin other keys: `A: 192.0.2.1, 192.0.2.2` and `panic: 0,5`. By the path of what the value
 * was meant for, which is that of one mistake.
 */
function* cutOffParts(
  issues: readonly Issue[],
  value: unknown,
): Generator<[DocumentPath, { problem: ShapeProblem; rest: readonly string[] }]> {
  const seen = new Set<unknown>()
  for (const issue of issues) {
    const at = issue.code === 'unrecognized_keys' ? stepsOf(issue) : stepsOf(issue).slice(0, -1)
    const holder = valueAt(value, at)
    if (!isMap(holder) || seen.has(holder)) continue
    seen.add(holder)
    const rest = Object.keys(holder).filter((key) => holder[key] === null && isCutOff(key))
    // Keys that are numbers come first in a map, whatever their place in the file is.
    const heads = Object.keys(holder).filter((key) =>
      /^(?:number|string)$/.test(typeof holder[key]),
    )
    for (const key of rest.length > 0 ? heads : []) {
      const commas = adviseOnCommas(key, String(holder[key]), rest)
      if (commas === null) continue
      const path = [...at, key]
      const told = { severity: 'error', code: 'bad-value', at: 'value' } as const
      const repair = { kind: 'join', value: commas.meant, rest } as const
      yield [
        path,
        { problem: { problem: { ...told, path, message: commas.advice }, repair }, rest },
      ]
      break
    }
  }
}

const keyOf = (path: DocumentPath): string => JSON.stringify(path)

const stepsOf = (issue: Issue): DocumentPath =>
  issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))

/** `covers`: the key that is meant, or was left out for it, whose absence is no second mistake; null: there is none. */
function unknownKey(
  path: DocumentPath,
  holder: unknown,
  known: readonly string[],
): ShapeProblem & { readonly covers: string | null } {
  const key = String(path.at(-1) ?? '')
  const given = isMap(holder) ? holder : {}
  // What is left out is meant before what stands beside it already.
  const absent = known.filter((one) => !Object.hasOwn(given, one))
  const suggestion = keyMeant(key, absent) ?? keyMeant(key, known)
  const hint = suggestion === null ? adviseOnKey(key, known) : didYouMean(suggestion, given[key])
  const message = `unknown key ${JSON.stringify(key.slice(0, 64))}, ${hint}`
  const isPool = key === 'pool' && known.includes('steer')
  return {
    problem: { severity: 'error', code: 'unknown-key', path, at: 'key', message },
    repair: suggestion === null ? { kind: 'remove' } : { kind: 'rename', to: suggestion },
    covers: suggestion ?? (isPool ? 'steer' : null),
  }
}

/** With the value in brackets, where it has to stand in some. */
const didYouMean = (key: string, value: unknown): string =>
  key === 'addresses' && typeof value === 'string'
    ? `did you mean ${key}: ${inBrackets(value)}?`
    : `did you mean "${key}"?`

/** A text, or several with commas between, as a list of YAML; a word that has blanks in quotes. */
const inBrackets = (text: string): string =>
  `[${partsOf(text)
    .map((one) => (/[\s#]/.test(one) ? JSON.stringify(one) : one))
    .join(', ')}]`

const partsOf = (text: string): readonly string[] => text.slice(0, 200).split(/\s*,\s*/)

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
    case 'invalid_type': {
      const hint = inOtherBrackets(issue, got)
      return [
        noMap(issue, got) ?? `${lead}expected ${shapeOf(issue)}${tail}${hint}`,
        replaceOrRemove(fallbackOf(issue, got)),
      ]
    }
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

type TypeIssue = Extract<Issue, { code: 'invalid_type' }>

/** Whether a list is expected whose items are words, and one of them is given. */
const isOneItem = ({ expected, message }: TypeIssue, got: unknown): got is string =>
  expected === 'array' && message.startsWith('[') && typeof got === 'string' && got.trim() !== ''

/** What later checks are given in its place. */
function fallbackOf(issue: TypeIssue, got: unknown): unknown {
  if (isOneItem(issue, got)) return partsOf(got)
  return issue.expected === 'array' ? [] : Object.create(null)
}

/** What to write for a value in other brackets than those that are expected, or in none; empty: that is open. */
function inOtherBrackets(issue: TypeIssue, got: unknown): string {
  if (isOneItem(issue, got)) return `: write ${inBrackets(got)}`
  if (issue.expected === 'array') {
    const isListInBraces = isMap(got) && Object.values(got).every((one) => one === null)
    return isListInBraces ? ': write [ ] in place of { }' : ''
  }
  if (issue.message.startsWith('{}') && /^(?:true|on|yes)$/.test(scalarText(got)))
    return ': write {}'
  return Array.isArray(got) && got.length > 0 && got.every(isMap)
    ? ': take out the "-" before each key'
    : ''
}

/** Of a file as a whole; null: a value in one. */
function noMap({ path }: Issue, got: unknown): string | null {
  if (path.length > 0) return null
  if (got === null) return 'the file is empty, expected zone, soa and records'
  if (Array.isArray(got))
    return 'expected lines of KEY: VALUE, got a list: take out the "-" and the indent behind it'
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
  if (repair.kind === 'join') {
    holder[step] = repair.value
    for (const key of repair.rest) delete holder[key]
    return true
  }
  if (Array.isArray(holder)) return false
  if (repair.kind === 'rename' && !Object.hasOwn(holder, repair.to))
    holder[repair.to] = holder[step]
  delete holder[step]
  return true
}

/** Whether a path is a prefix or an extension of any of `paths`. */
export function nearPaths(paths: readonly DocumentPath[]): (path: DocumentPath) => boolean {
  const whole = new Set(paths.map(keyOf))
  const prefixes = new Set(paths.flatMap((path) => prefixesOf(path).map(keyOf)))
  return (path) =>
    prefixes.has(keyOf(path)) || prefixesOf(path).some((prefix) => whole.has(keyOf(prefix)))
}

/** Itself included, and the empty path. */
const prefixesOf = (path: DocumentPath): readonly DocumentPath[] =>
  Array.from({ length: path.length + 1 }, (_, length) => path.slice(0, length))
