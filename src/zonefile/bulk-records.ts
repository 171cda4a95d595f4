// The fast path for zone files with many records: entries of `records:` in the two most common
// notations,
//
//   name: { A: 192.0.2.1, MX: [10 mx1, 20 mx2] }        name:
//                                                         A: 192.0.2.1
// are read without YAML nodes. It accepts less than YAML does, so that what it reads has only one
// meaning: printable ASCII, no escapes, plain scalars that begin with a letter or a digit. Scalars
// are text as written, as record data always is.

import { isMap } from 'yaml'
import { type IsText, toPlainValue, composePart } from './syntax.ts'

interface BulkEntry {
  readonly owner: string
  /** Text, or a list of text, by record type. */
  readonly types: object
  /** Offset of the next entry. */
  readonly end: number
}

const ownerPattern = / {2}(?:([A-Za-z0-9_][\w.-]{0,253})|"([\w.*@-]{1,253})"):/y

const brace = / +\{ */y

const flowType = /([A-Za-z][A-Za-z0-9]{0,15}): +/y

const blockType = / {4}([A-Za-z][A-Za-z0-9]{0,15}): +/y

/** Of bounded length, since the regular expression may use stack for each character. */
const scalar =
  /"([ !#-[\]-~]{0,4096})"|'([ -&(-~]{0,4096})'|([A-Za-z0-9](?:[\w.+/=-]|:(?=[\w:])| (?=[A-Za-z0-9])){0,4096})/y

const bracket = /\[ */y

const comma = / *, */y

const closeBrace = / *\}/y

const closeBracket = / *\]/y

const lineEnd = / *(?: #[^\n]*)?\n/y

/** An empty line, or a comment. */
const emptyLine = / *(?:#[^\n]*)?\n/y

/** Matches where the line of the next owner name begins. */
const nextOwner = /\n {2}[A-Za-z0-9_"']/g

const space = 0x20

const dash = 0x2d

/** A map without inherited keys. Unlike Object.create(null), its instances share a hidden class. */
function BareMap(this: object): void {}

BareMap.prototype = Object.create(null)

const bareMap = (): Record<string, unknown> =>
  new (BareMap as unknown as new () => Record<string, unknown>)()

/** The text that is read, and the offset in it. */
let text = ''

let at = 0

function take(pattern: RegExp): RegExpExecArray | null {
  pattern.lastIndex = at
  const match = pattern.exec(text)
  if (match) at = pattern.lastIndex
  return match
}

function skip(pattern: RegExp): boolean {
  pattern.lastIndex = at
  if (!pattern.test(text)) return false
  at = pattern.lastIndex
  return true
}

/** Offset of the first owner; null: it is not written in a notation that this file reads. */
function firstEntry(source: string): number | null {
  text = source
  at = 0
  skipEmptyLines()
  return at < text.length && isAtOwner() ? at : null
}

/** The entry at `from`; null: it is in another notation, or invalid. */
export function readEntry(source: string, from: number): BulkEntry | null {
  text = source
  at = from
  const owner = take(ownerPattern)
  if (!owner) return null
  const types = skip(brace) ? readFlow() : readBlock()
  if (!types || !isAtOwner()) return null
  return { owner: owner[1] ?? (owner[2] as string), types, end: at }
}

/** Whether the text ends here or another entry begins: a deeper line would continue this entry. */
function isAtOwner(): boolean {
  if (at >= text.length) return true
  const first = text.charCodeAt(at + 2)
  return text.startsWith('  ', at) && first !== space && first !== dash
}

function skipEmptyLines(): void {
  while (skip(emptyLine));
}

/**
 * Skips the rest of the line and the empty lines after it. false: something else is on the line.
 */
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
    const text = readScalar()
    if (text === null) return null
    data.push(text)
  } while (skip(comma))
  return skip(closeBracket) ? data : null
}

function readScalar(): string | null {
  const match = take(scalar)
  return match && (match[1] ?? match[2] ?? match[3] ?? null)
}

/** Offset of the entry after the one at `from`, which could not be read. */
function endOfEntry(source: string, from: number): number {
  nextOwner.lastIndex = from
  const next = nextOwner.exec(source)
  return next ? next.index + 1 : source.length
}

// The whole document. A YAML node costs a kilobyte and ten microseconds, so `records:` is split at
// the lines of owners: entries in a known notation are read by readEntry, those between them, and
// the parts before and after `records:`, are composed as YAML. That is sound, since an entry that
// is valid YAML by itself has the same meaning among others. Anything else, every problem included,
// gives null: then document.ts composes the whole file. test/zonefile/bulk-records.test.ts compares
// both.

type Plain = Record<string, unknown>

/** The plain value of a zone file; null: the file has to be composed as YAML. */
export function readBulkDocument(text: string, isText: IsText): { readonly value: object } | null {
  const section = findRecords(text)
  if (!section) return null
  const before = readPart(text.slice(0, section.start), isText)
  const after = readPart(text.slice(section.end), isText)
  const records = readRecords(text.slice(section.from, section.end), isText)
  if (!before || !after || !records) return null
  const value: Plain = Object.create(null)
  const isWhole = addAll(value, before) && addAll(value, { records }) && addAll(value, after)
  return isWhole ? { value } : null
}

/** Offsets of the section `records:`. */
interface RecordsSection {
  /** Offset of the line `records:`. */
  readonly start: number
  /** Offset of the first entry. */
  readonly from: number
  readonly end: number
}

/** The start of a line that belongs to a map in braces, to a list or to a second document. */
const unusual = /^[^\s\w"'#]/m

function findRecords(text: string): RecordsSection | null {
  const start = text.startsWith('---\n') ? 4 : 0
  if (text.includes('\r') || unusual.test(start > 0 ? text.slice(start) : text)) return null
  // If the first line with a key is indented, `records` would end its map.
  if (/^(?: *(?:#[^\n]*)?\n)* /.test(text.slice(start, start + 65_536))) return null
  const line = /^records: *(?:#[^\n]*)?\n/gm
  const head = line.exec(text)
  if (!head || line.exec(text)) return null
  const next = /^[\w"']/gm
  next.lastIndex = head.index + head[0].length
  const end = next.exec(text)?.index ?? text.length
  return { start: head.index, from: head.index + head[0].length, end }
}

/**
 * The map in a part of a document, empty for an empty part; null: the part is something else, or
 * invalid.
 */
function readPart(text: string, isText: IsText): Plain | null {
  const document = composePart(text)
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
  /** Start of the entries that readEntry could not read. */
  let unread = first
  const compose = (to: number): boolean => {
    if (unread === to) return true
    const composed = readPart(`records:\n${text.slice(unread, to)}`, isText)?.['records']
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
    unread = at = entry.end
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
