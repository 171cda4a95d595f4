// One plain record set: its rdata from presentation form, its TTL, and what must not stand together in it.

import { nameToText } from '../../wire/name.ts'
import { namesInRdata } from '../../wire/rdata/names.ts'
import { parseRdata } from '../../wire/rdata/parse.ts'
import { RRType, typeToText } from '../../wire/rrtype.ts'
import { type Compilation, warnLowTtl } from './compilation.ts'
import { isDoubled } from './names.ts'
import type { DocumentPath } from './problem.ts'
import type { PlainSource } from './zone-source.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import type { RRset } from '../zone.ts'

/** A message holds 65,535 octets; what is left is for its question, owner names and OPT. */
const rrsetOctetsLimit = 60_000
/** Owner (a pointer), type, class, TTL and length of one record. */
const recordOverheadOctets = 12

export function compileRRset(
  compilation: Compilation,
  path: DocumentPath,
  type: number,
  source: PlainSource,
): { set: RRset; places: readonly DocumentPath[] } {
  const { problems } = compilation
  const rdata: Rdata[] = []
  const places: DocumentPath[] = []
  for (const { text, at } of source.data) {
    const where = [...path, ...at]
    const parsed = parseRdata(type, text, compilation.apex)
    if (parsed.kind === 'bad') {
      problems.refuse('bad-rdata', where, `bad ${typeToText(type)}: ${parsed.why}`)
      continue
    }
    if (rdata.some((known) => areSame(known, parsed.rdata))) {
      problems.warn('duplicate-record', where, 'the same record twice: served once')
      continue
    }
    warnDoubled(compilation, where, type, parsed.rdata)
    rdata.push(parsed.rdata)
    places.push(where)
  }
  checkTogether(compilation, path, type, rdata)
  if (source.ttl !== undefined) warnLowTtl(problems, [...path, 'ttl'], source.ttl)
  const ttl = source.ttl ?? compilation.source.ttl
  return { set: { kind: 'plain', type, ttl, rdata }, places }
}

const areSame = (a: Rdata, b: Rdata): boolean =>
  a.octets.length === b.octets.length && a.octets.every((octet, i) => octet === b.octets[i])

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

function checkTogether(
  { problems }: Compilation,
  path: DocumentPath,
  type: number,
  rdata: readonly Rdata[],
): void {
  if ((type === RRType.CNAME || type === RRType.DNAME) && rdata.length > 1) {
    problems.refuse(
      'several-aliases',
      path,
      `a name has at most one ${typeToText(type)}, got ${rdata.length}`,
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

/** RFC 7505: the root as exchange, at any preference. */
const isNullMx = ({ octets }: Rdata): boolean => octets.length === 3 && octets[2] === 0
