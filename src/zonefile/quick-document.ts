// Text → the plain value of a zone file without a node for each record, where it is written in the ways that most are.
//
// A YAML node costs a kilobyte and ten microseconds. So `records:` is cut at the lines where an owner begins: entries that
// quick-entry.ts knows are read at once, whatever lies between them is composed by itself, as are the parts before and
// after. An owner's entry that is whole by itself is the same entry among others, since nothing that YAML leaves open at
// the end of a line is whole. Anything else, any mistake among it, gives null: then the whole document is composed, and
// that one is the truth (document.ts). test/zonefile/quick-document.test.ts compares the two.

import { isMap } from 'yaml'
import { type IsText, toPlainValue } from './plain-value.ts'
import { endOfEntry, firstEntry, readEntry } from './quick-entry.ts'
import { composePiece } from './syntax.ts'

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
  const { value, faults } = toPlainValue(contents, isText)
  return faults.length === 0 ? (value as Plain) : null
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
