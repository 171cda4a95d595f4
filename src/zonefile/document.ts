// A YAML file as plain values for the schema, with the line and column of every path.
//
// The language is YAML 1.2 without aliases, anchors and tags: one document, keys are unique text,
// at most 32 levels and 4 MiB. Whatever is wrong with a file is a diagnostic, never an exception.

import { type Document, isCollection, isMap, isPair, isScalar, isSeq, LineCounter } from 'yaml'
import type { DocumentPath, Problem, ProblemCode } from '../zone/compile/problem.ts'
import { cutDiagnostics, excerptAt, maxPerFile, type Diagnostic } from './diagnostic.ts'
import { printable } from '../lib/printable.ts'
import { adviseOnFile } from '../lib/advice.ts'
import {
  type IsText,
  toPlainValue,
  composeChecked,
  syntaxProblem,
  type SyntaxProblem,
} from './syntax.ts'

export interface ConfigDocument {
  /** Maps (objects without a prototype), lists, text, numbers, booleans, null. */
  readonly value: unknown
  /** Of keys that are given twice; the value has the first of each. */
  readonly problems: readonly Problem[]
  /** Adds file, line, column and excerpt to a problem of this document. */
  toDiagnostic(problem: Problem): Diagnostic
  /**
   * The same for all problems of this document, in the order in which they are shown; beyond 100 the
   * last one tells how many are left out.
   */
  toDiagnostics(problems: readonly Problem[]): readonly Diagnostic[]
}

type ParsedDocument =
  | { readonly kind: 'document'; readonly document: ConfigDocument }
  | { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

const octetsLimit: number = 4 * 1024 * 1024

export const documentOctetsLimit: number = octetsLimit

/**
 * `isText`: paths whose plain scalars are taken as written, even if they look like numbers (`0123`,
 * `1.10`).
 */
export function parseDocument(
  file: string,
  octets: Uint8Array,
  isText: IsText = () => false,
): ParsedDocument {
  if (octets.length > octetsLimit) {
    const message = `the file has ${octets.length} octets, expected at most ${octetsLimit}`
    return { kind: 'bad', diagnostics: [fileDiagnostic(file, 'too-large', message)] }
  }
  const decoded = decodeText(octets)
  const source: Source = { file, text: decoded.text, lines: new LineCounter() }
  if (decoded.kind === 'bad') {
    for (const match of decoded.text.matchAll(/\n/g)) source.lines.addNewLine(match.index + 1)
    source.lines.lineStarts.unshift(0)
    return bad(source, [decoded.problem])
  }
  const composed = composeChecked(source.text, source.lines)
  if (composed.kind === 'bad') {
    const advice = adviseOnFile(source.text)
    return bad(source, advice === null ? composed.problems : [syntaxProblem('syntax', 0, advice)])
  }
  const { value, problems } = toPlainValue(composed.document.contents, isText)
  const offsetIn = (problem: Problem): number => offsetOf(composed.document, problem)
  return { kind: 'document', document: documentOf({ source, value, problems, offsetIn }) }
}

function bad(source: Source, problems: readonly SyntaxProblem[]): ParsedDocument {
  return { kind: 'bad', diagnostics: diagnosticsAt(source, problems) }
}

interface DocumentParts {
  readonly source: Source
  readonly value: unknown
  readonly problems: readonly SyntaxProblem[]
  readonly offsetIn: (problem: Problem) => number
}

function documentOf({ source, value, problems, offsetIn }: DocumentParts): ConfigDocument {
  const locate = (problem: Problem | SyntaxProblem): SyntaxProblem =>
    'offset' in problem ? problem : { ...problem, offset: offsetIn(problem) }
  return {
    value,
    problems,
    toDiagnostic: (problem) => diagnosticAt(source, locate(problem)),
    toDiagnostics: (all) => diagnosticsAt(source, all.map(locate)),
  }
}

/** Only those that are shown are made: an excerpt costs more than a problem. */
function diagnosticsAt(source: Source, problems: readonly SyntaxProblem[]): readonly Diagnostic[] {
  const sorted = problems.toSorted((a, b) => rank(a) - rank(b) || a.offset - b.offset)
  const shown = sorted.slice(0, maxPerFile + 1).map((problem) => diagnosticAt(source, problem))
  return cutDiagnostics(shown, maxPerFile, problems.length)
}

/** Errors come first, so that a warning never displaces an error. */
const rank = ({ severity }: Problem): number => (severity === 'error' ? 0 : 1)

/** A diagnostic of a file as a whole, at line 1. */
export function fileDiagnostic(file: string, code: ProblemCode, message: string): Diagnostic {
  const where = { file, line: 1, column: 1, path: '', excerpt: '' }
  return { severity: 'error', code, ...where, message: printable(message) }
}

const maxTextCharacters = 2000

/** Names in a file can be as long as the file. */
const cutText = (text: string): string =>
  text.length > maxTextCharacters ? `${text.slice(0, maxTextCharacters)}…` : text

/** `pools.eu.targets.mx1`, `records["_25._tcp.mx1"].TLSA`, `steering.in[0].pools[1]`. */
function formatPath(path: DocumentPath): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (!/^[\w@*-]+$/.test(step)) text += `[${JSON.stringify(step)}]`
    else text += text === '' ? step : `.${step}`
  }
  return printable(text)
}

interface Source {
  readonly file: string
  readonly text: string
  readonly lines: LineCounter
}

function diagnosticAt({ file, text, lines }: Source, problem: SyntaxProblem): Diagnostic {
  const { offset } = problem
  const { line, col } = lines.linePos(Math.min(offset, text.length))
  return {
    severity: problem.severity,
    code: problem.code,
    file,
    line: Math.max(1, line),
    column: Math.max(1, col),
    path: cutText(formatPath(problem.path)),
    message: cutText(printable(problem.message)),
    excerpt: excerptAt(text, offset),
  }
}

/**
 * Offset of the key or the value at the problem's path; if that is missing, of the key of the map
 * that lacks it.
 */
function offsetOf({ contents }: Document, { path, at }: Problem): number {
  let node: unknown = contents
  let offset = rangeStart(contents) ?? 0
  let keyOffset = offset
  for (const step of path) {
    const next = childOf(node, step)
    // The path ends here: the key of a map that lacks it, or the scalar that stands for a list.
    if (next === undefined) return isCollection(node) ? keyOffset : offset
    node = next.value
    keyOffset = next.keyOffset ?? rangeStart(node) ?? offset
    offset = isWritten(node) ? (rangeStart(node) ?? keyOffset) : keyOffset
  }
  return at === 'key' ? keyOffset : offset
}

/** Whether the value has a position of its own: an empty value has only that of its key. */
const isWritten = (node: unknown): boolean =>
  isCollection(node) || (isScalar(node) && (node.source !== '' || node.type !== 'PLAIN'))

interface Child {
  readonly value: unknown
  readonly keyOffset: number | undefined
}

function childOf(node: unknown, step: string | number): Child | undefined {
  if (isSeq(node) && typeof step === 'number') {
    const value = node.items[step]
    return value === undefined ? undefined : { value, keyOffset: undefined }
  }
  if (!isMap(node)) return undefined
  return indexOf(node).get(String(step))
}

const indexes = new WeakMap<object, ReadonlyMap<string, Child>>()

/**
 * Children by key; of duplicate keys the first. Cached, since one map may have thousands of
 * problems.
 */
function indexOf(map: { readonly items: readonly unknown[] }): ReadonlyMap<string, Child> {
  const cached = indexes.get(map)
  if (cached) return cached
  const index = new Map<string, Child>()
  for (const pair of map.items) {
    if (!isPair(pair) || !isScalar(pair.key)) continue
    const key = String(pair.key.value)
    if (!index.has(key)) index.set(key, { value: pair.value, keyOffset: rangeStart(pair.key) })
  }
  indexes.set(map, index)
  return index
}

function rangeStart(node: unknown): number | undefined {
  if (!isCollection(node) && !isScalar(node)) return undefined
  return node.range?.[0]
}

// Decoding of a file: UTF-8 without control characters, so that an excerpt is safe to print.

type DecodedText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bad'; readonly text: string; readonly problem: SyntaxProblem }

// Tab, line feed and carriage return are the only ones that a text file needs.
// oxlint-disable-next-line no-control-regex -- matching control characters is the purpose
const controlCharacter = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/

const saveIt = 'save the file as UTF-8'
const inUtf16 = `the file is not UTF-8, it looks like UTF-16: ${saveIt}`

function decodeText(octets: Uint8Array): DecodedText {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(octets)
  const difference = firstDifference(octets, new TextEncoder().encode(text))
  if (difference !== null) {
    const offset = new TextDecoder('utf-8', { ignoreBOM: true }).decode(
      octets.subarray(0, difference),
    ).length
    const octet = (octets[difference] ?? 0).toString(16).padStart(2, '0')
    const isUtf16 = /^(?:fffe|feff)/.test(Buffer.from(octets.subarray(0, 2)).toString('hex'))
    const message = isUtf16 ? inUtf16 : `the octet 0x${octet} is not UTF-8, ${saveIt}`
    return { kind: 'bad', text, problem: syntaxProblem('not-utf8', offset, message) }
  }
  const control = controlCharacter.exec(text)
  if (control?.[0] === '\0')
    return { kind: 'bad', text, problem: syntaxProblem('not-utf8', 0, inUtf16) }
  if (control) {
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    const message = `the control character U+${code} is not allowed: take it out, or write it as an escape in quotes`
    return {
      kind: 'bad',
      text,
      problem: syntaxProblem('control-character', control.index, message),
    }
  }
  return { kind: 'text', text: text.replace(/^\ufeff/, '') }
}

/**
 * Index of the first octet that differs after decoding and encoding, at the start of its character;
 * null: none does.
 */
function firstDifference(octets: Uint8Array, reencoded: Uint8Array): number | null {
  const end = Math.max(octets.length, reencoded.length)
  for (let i = 0; i < end; i++) {
    if (octets[i] === reencoded[i]) continue
    let start = i
    // The replacement character (EF BF BD) may share leading octets with what it replaced.
    while (start > 0 && ((reencoded[start] ?? 0) & 0xc0) === 0x80) start--
    return start
  }
  return null
}
