// An owner's entry in `records:`, in the ways that most are written:
//
//   name: { A: 192.0.2.1, MX: [10 mx1, 20 mx2] }        name:
//                                                         A: 192.0.2.1
// Its records are text as it stands there, since record data is (zone-schema.ts). Less than YAML allows in every place, so
// that nothing here can mean something else: printable ASCII, no escapes, plain words that begin with a letter or a digit.

import { isMap } from 'yaml'
import { type IsText, toPlainValue, composePiece } from './syntax.ts'

interface QuickEntry {
  readonly owner: string
  /** Record type → text, or a list of it. */
  readonly types: object
  /** Where the next entry begins. */
  readonly end: number
}

const ownerPattern = / {2}(?:([A-Za-z0-9_][\w.-]{0,253})|"([\w.*@-]{1,253})"):/y

const brace = / +\{ */y

const flowType = /([A-Za-z][A-Za-z0-9]{0,15}): +/y

const blockType = / {4}([A-Za-z][A-Za-z0-9]{0,15}): +/y

/** Of bounded length, since each character may take a place on the stack of the expression. */
const scalar =
  /"([ !#-[\]-~]{0,4096})"|'([ -&(-~]{0,4096})'|([A-Za-z0-9](?:[\w.+/=-]|:(?=[\w:])| (?=[A-Za-z0-9])){0,4096})/y

const bracket = /\[ */y

const comma = / *, */y

const closeBrace = / *\}/y

const closeBracket = / *\]/y

const lineEnd = / *(?: #[^\n]*)?\n/y

/** Nothing, or a comment. */
const emptyLine = / *(?:#[^\n]*)?\n/y

/** A line at which the next owner begins. */
const nextOwner = /\n {2}[A-Za-z0-9_"']/g

const space = 0x20

const dash = 0x2d

/** Without inherited keys, and of one hidden class, which an object without a prototype would not have. */
function BareMap(this: object): void {}

BareMap.prototype = Object.create(null)

const bareMap = (): Record<string, unknown> =>
  new (BareMap as unknown as new () => Record<string, unknown>)()

/** Of the text in hand. */
let text = ''

let at = 0

function take(pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = at
  const found = pattern.exec(text)
  if (found) at = pattern.lastIndex
  return found
}

function skip(pattern: RegExp): boolean {
  pattern.lastIndex = at
  if (!pattern.test(text)) return false
  at = pattern.lastIndex
  return true
}

/** Where the first owner begins, or null where it does not begin as others do. */
function firstEntry(source: string): number | null {
  text = source
  at = 0
  skipEmptyLines()
  return at < text.length && isAtOwner() ? at : null
}

/** null: written in another way, or wrong. */
export function readEntry(source: string, from: number): QuickEntry | null {
  text = source
  at = from
  const found = take(ownerPattern)
  if (!found) return null
  const types = skip(brace) ? readFlow() : readBlock()
  if (!types || !isAtOwner()) return null
  return { owner: found[1] ?? (found[2] as string), types, end: at }
}

/** The end, or the start of another entry: deeper lines would go on with this one. */
function isAtOwner(): boolean {
  if (at >= text.length) return true
  const first = text.charCodeAt(at + 2)
  return text.startsWith('  ', at) && first !== space && first !== dash
}

function skipEmptyLines(): void {
  while (skip(emptyLine));
}

/** The rest of the line, and what is empty after it. */
function endLine(): boolean {
  if (!skip(lineEnd)) return false
  skipEmptyLines()
  return true
}

function readFlow(): object | null {
  const types = bareMap()
  do {
    const type = take(flowType)?.[1]
    if (type === undefined || !add(types, type, readData())) return null
  } while (skip(comma))
  return skip(closeBrace) && endLine() ? types : null
}

function readBlock(): object | null {
  if (!endLine()) return null
  const types = bareMap()
  let count = 0
  for (let type = take(blockType); type; type = take(blockType)) {
    if (!add(types, type[1] as string, readData()) || !endLine()) return null
    count++
  }
  return count > 0 ? types : null
}

function add(types: Record<string, unknown>, type: string, data: unknown): boolean {
  if (data === null || type in types) return false
  types[type] = data
  return true
}

function readData(): string | readonly string[] | null {
  if (!skip(bracket)) return readScalar()
  const data: string[] = []
  do {
    const one = readScalar()
    if (one === null) return null
    data.push(one)
  } while (skip(comma))
  return skip(closeBracket) ? data : null
}

function readScalar(): string | null {
  const found = take(scalar)
  return found && (found[1] ?? found[2] ?? found[3] ?? null)
}

/** Where the entry that follows begins, if this one cannot be read. */
function endOfEntry(source: string, from: number): number {
  nextOwner.lastIndex = from
  const next = nextOwner.exec(source)
  return next ? next.index + 1 : source.length
}

// Text → the plain value of a zone file without a node for each record, where it is written in the ways that most are.
//
// A YAML node costs a kilobyte and ten microseconds. So `records:` is cut at the lines where an owner begins: entries that
// bulk-records.ts knows are read at once, whatever lies between them is composed by itself, as are the parts before and
// after. An owner's entry that is whole by itself is the same entry among others, since nothing that YAML leaves open at
// the end of a line is whole. Anything else, any mistake among it, gives null: then the whole document is composed, and
// that one is the truth (document.ts). test/zonefile/quick-document.test.ts compares the two.

type Plain = Record<string, unknown>

/** null: compose it. */
export function quickDocument(text: string, isText: IsText): { readonly value: object } | null {
  const found = findRecords(text)
  if (!found) return null
  const before = piece(text.slice(0, found.start), isText)
  const after = piece(text.slice(found.end), isText)
  const records = readRecords(text.slice(found.from, found.end), isText)
  if (!before || !after || !records) return null
  const value: Plain = Object.create(null)
  const isWhole = addAll(value, before) && addAll(value, { records }) && addAll(value, after)
  return isWhole ? { value } : null
}

interface Found {
  /** Of the line `records:`. */
  readonly start: number
  /** Of the first entry. */
  readonly from: number
  readonly end: number
}

/** Lines that begin otherwise belong to a map in braces, to a list, to the next document. */
const unusual = /^[^\s\w"'#]/m

function findRecords(text: string): Found | null {
  const headed = text.startsWith('---\n') ? 4 : 0
  if (text.includes('\r') || unusual.test(headed > 0 ? text.slice(headed) : text)) return null
  // The first line with a key: an indented one would end where `records` begins.
  if (/^(?: *(?:#[^\n]*)?\n)* /.test(text.slice(headed, headed + 65_536))) return null
  const line = /^records: *(?:#[^\n]*)?\n/gm
  const head = line.exec(text)
  if (!head || line.exec(text)) return null
  const next = /^[\w"']/gm
  next.lastIndex = head.index + head[0].length
  const end = next.exec(text)?.index ?? text.length
  return { start: head.index, from: head.index + head[0].length, end }
}

/** A part of a document: a map of its own, or nothing. */
function piece(text: string, isText: IsText): Plain | null {
  const document = composePiece(text)
  if (!document) return null
  const { contents } = document
  if (contents === null) return {}
  if (!isMap(contents)) return null
  const { value, problems } = toPlainValue(contents, isText)
  return problems.length === 0 ? (value as Plain) : null
}

function readRecords(text: string, isText: IsText): Plain | null {
  const records: Plain = Object.create(null)
  let count = 0
  const add = (owner: string, entry: unknown): boolean => {
    if (owner === '__proto__' || owner in records) return false
    records[owner] = entry
    count++
    return true
  }
  const first = firstEntry(text)
  if (first === null) return null
  /** Where what could not be read at once began. */
  let left = first
  const compose = (to: number): boolean => {
    if (left === to) return true
    const composed = piece(`records:\n${text.slice(left, to)}`, isText)?.['records']
    if (typeof composed !== 'object' || composed === null || Array.isArray(composed)) return false
    return Object.entries(composed).every(([owner, entry]) => add(owner, entry))
  }
  for (let at = first; at < text.length;) {
    const entry = readEntry(text, at)
    if (entry === null) {
      at = endOfEntry(text, at)
      continue
    }
    if (!compose(at) || !add(entry.owner, entry.types)) return null
    left = at = entry.end
  }
  return compose(text.length) && count > 0 ? records : null
}

function addAll(to: Plain, from: Plain): boolean {
  for (const [key, value] of Object.entries(from)) {
    if (key in to) return false
    to[key] = value
  }
  return true
}
