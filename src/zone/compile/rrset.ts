// Sets of plain records, of the text in a zone file or of what a master file has, and what is wrong with each of them.

import { nameToText } from '../../wire/name.ts'
import { namesInRdata } from '../../wire/rdata/names.ts'
import { parseRdata } from '../../wire/rdata/parse.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import { RRType, typeToText } from '../../wire/rrtype.ts'
import { quoteOctets } from '../../wire/presentation.ts'
import { textOctets } from '../../wire/octets.ts'
import type { RRset } from '../zone.ts'
import { type Compilation, warnUnusualTtl } from './compilation.ts'
import { isDoubled } from './names.ts'
import type { DocumentPath } from './problem.ts'
import { withoutWordQuotes } from './texts/txt-strings.ts'
import type { PlainSource } from './zone-source.ts'

/** Of the 65,535 octets of a message the rest is for question, owner names and OPT. */
const rrsetOctetsLimit = 60_000

/** Compressed owner name, type, class, TTL and RDLENGTH of a record. */
const recordOverheadOctets = 12

export interface CompiledRRset {
  readonly set: RRset
  readonly rdataPaths: readonly DocumentPath[]
}

/** Rdata is parsed from presentation form; bad rdata is reported and left out. */
export function compileRRset(
  compilation: Compilation,
  path: DocumentPath,
  type: number,
  source: PlainSource,
): CompiledRRset {
  const { problems } = compilation
  const rdata: Rdata[] = []
  const rdataPaths: DocumentPath[] = []
  for (const { text, at, formerly } of source.data) {
    const rdataPath = [...path, ...at]
    const parsed = parseRdata(type, text, compilation.apex)
    if (parsed.kind === 'bad') {
      const isSteering = type === RRType.MX && compilation.source.steering.has(text)
      const message = isSteering
        ? `bad MX: ${JSON.stringify(text)} is a steering, expected { steer: ${text} }`
        : badRdata(type, parsed.why)
      problems.refuse('bad-rdata', rdataPath, message)
      continue
    }
    rdata.push(parsed.rdata)
    rdataPaths.push(rdataPath)
    const isMistake = type === RRType.TXT && withoutWordQuotes(parsed.rdata) !== null
    if (formerly !== undefined && !isMistake)
      warnOneText(compilation, rdataPath, { text, formerly })
  }
  if (source.ttl !== undefined) warnUnusualTtl(problems, [...path, 'ttl'], source.ttl)
  const ttl = source.ttl ?? compilation.source.ttl
  return joinRRset(compilation, path, { set: { kind: 'plain', type, ttl, rdata }, rdataPaths })
}

/** Characters of a reading that a message shows. */
const shownCharacters = 100

const cut = (text: string): string =>
  text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text

/** Instances of both versions may serve the same file, and a file may wait for years until its server is upgraded. */
function warnOneText(
  { problems }: Compilation,
  path: DocumentPath,
  { text, formerly }: { readonly text: string; readonly formerly: string },
): void {
  const message = `this is one text, ${cut(text)}, where versions before read ${cut(formerly)}: expected one of the two, in these quotes`
  problems.warn('one-text', path, message)
}

/** The set as it is served, each record once, after what is wrong with it was reported. */
export function joinRRset(
  compilation: Compilation,
  path: DocumentPath,
  given: CompiledRRset,
): CompiledRRset {
  const { type } = given.set
  if (type === RRType.TLSA) checkTlsaLengths(compilation, path, given)
  if (type === RRType.TXT) checkWordQuotes(compilation, path, given)
  const [only] = given.set.rdata
  if (only && given.set.rdata.length === 1) {
    warnDoubled(compilation, given.rdataPaths[0] ?? path, type, only)
    checkRRset(compilation, path, type, given.set.rdata)
    return given
  }
  const seen = new Set<string>()
  const rdata: Rdata[] = []
  const rdataPaths: DocumentPath[] = []
  for (const [i, one] of given.set.rdata.entries()) {
    const rdataPath = given.rdataPaths[i] ?? path
    const octets = Buffer.from(one.octets).toString('latin1')
    if (seen.has(octets)) {
      const message = 'the same record twice: served once'
      compilation.problems.warn('duplicate-record', rdataPath, message)
      continue
    }
    seen.add(octets)
    warnDoubled(compilation, rdataPath, type, one)
    rdata.push(one)
    rdataPaths.push(rdataPath)
  }
  checkRRset(compilation, path, type, rdata)
  return { set: { ...given.set, rdata }, rdataPaths }
}

function checkWordQuotes(
  { problems }: Compilation,
  path: DocumentPath,
  { set, rdataPaths }: CompiledRRset,
): void {
  for (const [i, rdata] of set.rdata.entries()) {
    const meant = withoutWordQuotes(rdata)
    if (meant === null) continue
    const message = `quotes of a word processor are part of a text, expected ${cut(quoteOctets(textOctets(meant)))}`
    problems.refuse('word-quotes', rdataPaths[i] ?? path, message)
  }
}

/** Octets of SHA-256 and SHA-512 by matching type (RFC 6698 §2.1.3). */
const digestOctets: Readonly<Record<number, number>> = { 1: 32, 2: 64 }

function checkTlsaLengths(
  { problems }: Compilation,
  path: DocumentPath,
  { set, rdataPaths }: CompiledRRset,
): void {
  for (const [i, { octets }] of set.rdata.entries()) {
    const matchingType = octets[2] ?? 0
    const length = octets.length - 3
    const expected = digestOctets[matchingType] ?? length
    if (length === expected) continue
    const message = `bad TLSA: ${length} octets of data, expected ${expected} for matching type ${matchingType}`
    problems.refuse('bad-rdata', rdataPaths[i] ?? path, message)
  }
}

function warnDoubled(
  compilation: Compilation,
  path: DocumentPath,
  type: number,
  rdata: Rdata,
): void {
  const doubled = namesInRdata(type, rdata).find(({ name }) => isDoubled(name, compilation.apex))
  if (!doubled) return
  const message = `this names ${nameToText(doubled.name)}: is a final dot missing?`
  compilation.problems.warn('doubled-zone', path, message)
}

/** Reports what is wrong with the records of an RRset together. */
export function checkRRset(
  { problems }: Compilation,
  path: DocumentPath,
  type: number,
  rdata: readonly Rdata[],
): void {
  if ((type === RRType.CNAME || type === RRType.DNAME) && rdata.length > 1) {
    problems.refuse(
      'several-aliases',
      path,
      `a name has one ${typeToText(type)} at most, got ${rdata.length}: expected one`,
      'key',
    )
  }
  if (type === RRType.MX && rdata.length > 1 && rdata.some(isNullMx)) {
    problems.refuse(
      'null-mx-beside-others',
      path,
      'a null MX says that there is no mail, expected it alone',
      'key',
    )
  }
  const octets = rdata.reduce((sum, one) => sum + recordOverheadOctets + one.octets.length, 0)
  if (octets > rrsetOctetsLimit) {
    problems.refuse(
      'rrset-too-large',
      path,
      `${octets} octets do not fit into an answer, expected at most ${rrsetOctetsLimit}`,
      'key',
    )
  }
}

/** RFC 7505 §3: the exchange is the root, whatever the preference. */
const isNullMx = ({ octets }: Rdata): boolean => octets.length === 3 && octets[2] === 0

/** Types of several fields, whose order is easily forgotten. */
const examples: ReadonlyMap<number, string> = new Map([
  [RRType.MX, '10 mx1, or { steer: … }'],
  [RRType.SRV, '0 5 587 mx1, or { steer: …, port: 587 }'],
  [RRType.CAA, '0 issue "ca.example.net"'],
  [RRType.TLSA, '3 1 1 and the SHA-256 of a public key in hex digits'],
])

/** `why`: what is wrong with one field of it. `isOfMaster`: nothing is steered there. */
export function badRdata(type: number, why: string, isOfMaster: boolean = false): string {
  const example = isOfMaster ? examples.get(type)?.split(', or ', 1)[0] : examples.get(type)
  const isTold = example === undefined || why.includes(': write ')
  return `bad ${typeToText(type)}: ${why}${isTold ? '' : `, as in ${example}`}`
}
