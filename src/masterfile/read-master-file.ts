// Reads a master file (RFC 1035 §5, $TTL of RFC 2308 §4, RFC 3597) with the files that it includes.
//
// What is wrong with an entry is a problem at its place, and reading goes on with the next one, up to a bound. Records
// that only signers make are left out, since the server signs nothing and their signatures are of another zone.

import { keyOfName } from '../wire/name.ts'
import { scanMasterFile, type Token } from '../wire/presentation.ts'
import { parseRdataTokens, takesPairs } from '../wire/rdata/parse.ts'
import type { Name } from '../wire/name.ts'
import {
  createProblems,
  type DocumentPath,
  type Problem,
  type ProblemCode,
  pathOfPlace,
} from '../zone/compile/problem.ts'
import type { MasterRecords } from '../zone/compile/zone-source.ts'
import { type Include, readDirective } from './directives.ts'
import {
  addRecord,
  defaultMaxRecords,
  isBlank,
  isFull,
  isTypeWord,
  leaveOut,
  type LeftOut,
  type MasterFile,
  type MasterRequest,
  nextToken,
  NumberColumn,
  type Owner,
  placeAt,
  type Places,
  readNameToken,
  readToEnd,
  readTtl,
  readType,
  type Reading,
  type RecordHead,
  refuse,
  type SoaRecord,
  syntax,
  ttlOf,
} from './reading.ts'

/** A file that was asked for. */
export type MasterContent =
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | {
      readonly kind: 'refused'
      readonly code: ProblemCode
      readonly why: string
    }
  /** Whoever was asked has reported why. */
  | { readonly kind: 'unreadable' }

export interface MasterRead {
  readonly records: MasterRecords
  /** The SOA of the apex; null: there is none. */
  readonly soa: SoaRecord | null
  readonly problems: readonly Problem[]
  readonly places: Places
}

/** Files read in all, one as often as it is included. */
const maxFiles = 1000

const maxDepth = 8

/** Yields the name of each file that it needs, and is given the content. */
export function* readMasterFile(
  request: MasterRequest,
): Generator<string, MasterRead, MasterContent> {
  const reading: Reading = {
    request,
    apexKey: keyOfName(request.apex),
    problems: createProblems(),
    places: {
      files: [],
      fileNumbers: new NumberColumn(),
      keyOffsets: new NumberColumn(),
      valueOffsets: new NumberColumn(),
    },
    owners: new Map(),
    soa: null,
    defaultTtl: null,
    lastTtl: null,
    unusualTtls: new Set(),
    owner: null,
    leftOut: { counts: new Map(), firstPlace: 0 },
    otherClasses: { counts: new Map(), firstPlace: 0 },
    recordsLeft: request.maxRecords ?? defaultMaxRecords,
    chunk: new Uint8Array(),
    chunkUsed: 0,
  }
  const { name, apex } = request
  const content = yield name
  if (content.kind === 'octets')
    yield* readFile(reading, openFile(reading, [name], content.octets, apex))
  else report(reading, ['records_file'], content, name)
  warnLeftOut(reading)
  const { owners, soa, problems, places } = reading
  return { records: owners, soa, problems: problems.list, places }
}

function openFile(
  { places: { files } }: Reading,
  names: readonly string[],
  octets: Uint8Array,
  origin: Name,
): MasterFile {
  files.push({ name: names.at(-1) ?? '', octets })
  return {
    number: files.length - 1,
    names,
    scan: scanMasterFile(octets),
    origin,
    start: 0,
    entry: 'open',
  }
}

function* readFile(reading: Reading, file: MasterFile): Generator<string, void, MasterContent> {
  const { scan } = file
  while (scan.at < scan.octets.length && !isFull(reading)) {
    const include = readEntry(reading, file)
    if (include === null) continue
    const refused = refusalOf(reading, file, include)
    if (refused !== null) {
      reading.problems.refuse('bad-path', pathOfPlace(include.place), refused)
      continue
    }
    const content = yield include.name
    if (content.kind !== 'octets') {
      report(reading, pathOfPlace(include.place), content, include.name)
      continue
    }
    const { owner } = reading
    const names = [...file.names, include.name]
    yield* readFile(reading, openFile(reading, names, content.octets, include.origin))
    // The owner is this file's again (RFC 1035 §5.1 has that of the origin); $TTL stays, as with BIND.
    reading.owner = owner
  }
}

function report(
  { problems }: Reading,
  path: DocumentPath,
  content: Exclude<MasterContent, { kind: 'octets' }>,
  name: string,
): void {
  if (content.kind === 'unreadable') return
  problems.refuse(content.code, path, `cannot read ${name}: ${content.why}`)
}

/** Why a file is not included; null: it is. */
function refusalOf({ places }: Reading, { names }: MasterFile, { name }: Include): string | null {
  if (names.includes(name)) return `${name} includes itself, by way of ${names.join(', ')}`
  if (names.length > maxDepth) return `included too deep, expected at most ${maxDepth} files`
  if (places.files.length >= maxFiles) return `more than ${maxFiles} files in all, expected fewer`
  return null
}

/** Reads one entry: a record, a directive or an empty line. */
function readEntry(reading: Reading, file: MasterFile): Include | null {
  const { scan } = file
  file.start = scan.at
  const isIndented = isBlank(scan.octets[scan.at])
  scan.tokens.length = 0
  scan.depth = 0
  scan.pairs = false
  file.entry = 'open'
  const first = nextToken(reading, file)
  if (first === null) return null
  if (!isIndented && !first.quoted && first.text.startsWith('$'))
    return readDirective(reading, file, first)
  const head = readHead(reading, file, isIndented ? null : first)
  if (head === null) {
    if (file.entry === 'open') readToEnd(reading, file)
    return null
  }
  const headCount = scan.tokens.length
  const key = scan.tokens[headCount - 1]?.from ?? file.start
  scan.pairs = head !== 'left-out' && takesPairs(head.type)
  if (!readToEnd(reading, file) || head === 'left-out') return null
  const tokens = scan.tokens.slice(headCount)
  const position = { key, value: tokens[0]?.from ?? key }
  const rdata = parseRdataTokens(head.type, tokens, file.origin)
  addRecord(reading, head, rdata, placeAt(reading, file, position))
  return null
}

const classPattern = /^(?:IN|CH|CS|HS|CLASS\d{1,5})$/i

/**
 * Owner, TTL, class and type, up to the token of the type (RFC 1035 §5.1). `first`: the token of the owner; null: the
 * owner is that of the record before. null: a mistake was reported; `left-out`: of a type that signers make.
 */
function readHead(
  reading: Reading,
  file: MasterFile,
  first: Token | null,
): RecordHead | 'left-out' | null {
  const { scan } = file
  const owner = first ? readOwner(reading, file, first) : reading.owner
  if (owner === null)
    refuse(reading, file, file.start, syntax('no owner yet, expected one at the begin of the line'))
  let ttl: number | null = null
  let hasClass = false
  let next = first ? nextToken(reading, file) : (scan.tokens[0] ?? null)
  for (; next !== null; next = nextToken(reading, file)) {
    if (ttl === null && /^\d/.test(next.text)) {
      ttl = readTtl(reading, file, next)
      if (ttl === null) return null
      reading.lastTtl = ttl
    } else if (!hasClass && classPattern.test(next.text)) {
      hasClass = true
      if (/^(?:IN|CLASS0*1)$/i.test(next.text)) continue
      return reading.request.isForeign === true
        ? leaveOut(reading, file, next, reading.otherClasses)
        : refuse(reading, file, next.from, syntax(`class ${next.text}, expected IN`))
    } else {
      if (isCommentElsewhere(first, next)) return refuseComment(reading, file, first)
      const type = readType(reading, file, next)
      if (type === 'left-out') return type
      if (type === null || owner === null || owner === 'bad') return null
      return { owner, ttl: ttl ?? ttlOf(reading), type }
    }
  }
  if (file.entry === 'ended')
    refuse(
      reading,
      file,
      scan.tokens.at(-1)?.from ?? file.start,
      syntax('the type is missing, expected OWNER TYPE DATA such as www A 192.0.2.1'),
    )
  return null
}

/** Whether an entry begins as comments do elsewhere, and is no record whose owner has such a name. */
const isCommentElsewhere = (first: Token | null, next: Token): first is Token =>
  first !== null && /^(?:#|\/\/)$/.test(first.text) && !isTypeWord(next.text)

function refuseComment(reading: Reading, file: MasterFile, { text, from }: Token): null {
  reading.owner = 'bad'
  return refuse(reading, file, from, syntax(`comments begin with ;, expected it for ${text}`))
}

function readOwner(reading: Reading, file: MasterFile, token: Token): Owner | 'bad' {
  const name = readNameToken(reading, file, token)
  // Lines without an owner after a bad one would go to another one than was meant.
  const owner: Owner | 'bad' = name ? { name, key: keyOfName(name) } : 'bad'
  reading.owner = owner
  return owner
}

function warnLeftOut({ leftOut, otherClasses, problems }: Reading): void {
  const warn = (code: ProblemCode, { counts, firstPlace }: LeftOut, what: string): void => {
    if (counts.size === 0) return
    const list = [...counts].map(([word, count]) => `${count} ${word}`).join(', ')
    problems.warn(code, pathOfPlace(firstPlace), `${what} are left out: ${list}`)
  }
  warn('dnssec-left-out', leftOut, 'records of another signer')
  warn('class-left-out', otherClasses, 'records of classes other than IN')
}
