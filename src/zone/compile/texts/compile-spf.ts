// Compiles `spf:` of an owner to TXT records (RFC 7208): one at the owner, beside those that it has, and where they do not
// fit there further ones at `_spf1.<owner>` and so on. They list the addresses of all targets of the pools, whatever their
// health, weight and warm-up: the queue of a target that gets no new mail still sends.

import { suggestName } from '../../../lib/suggest-name.ts'
import { type Directive, type ParsedTerm, parseTerm } from '../../../spf/spf-record.ts'
import { layOutSpf } from '../../../spf/layout.ts'
import type { Target } from '../../../steer/policy.ts'
import { nameToBareText } from '../../../wire/name.ts'
import { textOctets } from '../../../wire/octets.ts'
import type { Rdata } from '../../../wire/rdata/rdata.ts'
import { RRType } from '../../../wire/rrtype.ts'
import { type Compilation, warnUnusualTtl } from '../compilation.ts'
import { readName } from '../names.ts'
import {
  addSet,
  openOwner,
  type OwnerDraft,
  type Owners,
  pathOfRdata,
  pathOfSet,
  putSet,
} from '../owners.ts'
import type { DocumentPath } from '../problem.ts'
import { checkRRset } from '../rrset.ts'
import type { SpfSource } from '../zone-source.ts'

export interface SpfEntry {
  readonly draft: OwnerDraft
  readonly path: DocumentPath
  readonly source: SpfSource
  readonly targets: ReadonlyMap<string, { readonly target: Target }>
}

/** To be called when the other records of the owner are there. */
export function compileSpf(compilation: Compilation, owners: Owners, entry: SpfEntry): void {
  const { draft, path, source } = entry
  const { problems } = compilation
  const addresses = addressesOf(compilation, entry)
  const further = readAlso(compilation, path, source.also)
  if (addresses === null || further === null) return
  const existing = draft.sets.get(RRType.TXT)
  const given = existing?.kind === 'plain' ? existing.rdata : []
  const owner = nameToBareText(draft.owner)
  const otherOctets = given.reduce((sum, { octets }) => sum + octets.length, 0)
  const layout = layOutSpf({ addresses, ...further, all: source.all, owner, otherOctets })
  if (layout.kind === 'bad') {
    problems.refuse(
      'spf-too-large',
      path,
      `these do not fit into an SPF record: ${layout.why}`,
      'key',
    )
    return
  }
  if (source.ttl !== undefined) warnUnusualTtl(problems, [...path, 'ttl'], source.ttl)
  const ttl = source.ttl ?? compilation.source.ttl
  addText(compilation, entry, { text: layout.text, ttl })
  for (const { label, text } of layout.includes) {
    const name = readName(label, draft.owner)
    if (name.kind === 'bad') {
      problems.refuse('bad-name', path, `bad name of an include: ${name.why}`, 'key')
      return
    }
    const set = { kind: 'plain', type: RRType.TXT, ttl, rdata: [rdataOf(text)] } as const
    addSet(compilation, openOwner(owners, name.name, path), {
      set,
      place: path,
      rdataPaths: [path],
    })
  }
}

/** null: a pool is unknown, which is reported. */
function addressesOf(
  { source: { pools }, problems }: Compilation,
  { path, source, targets }: SpfEntry,
): readonly Uint8Array[] | null {
  const addresses: Uint8Array[] = []
  let isWhole = true
  for (const [i, name] of source.pools.entries()) {
    const pool = pools.get(name)
    if (!pool) {
      const message = `unknown pool ${JSON.stringify(name)}, ${suggestName('pool', pools.keys(), name)}`
      problems.refuse('unknown-pool', [...path, 'pools', i], message)
      isWhole = false
    }
    for (const member of pool?.members ?? [])
      for (const { rdata } of targets.get(member.target)?.target.addresses ?? [])
        addresses.push(rdata.octets)
  }
  return isWhole ? addresses : null
}

interface FurtherTerms {
  readonly also: readonly Directive[]
  readonly modifiers: readonly string[]
}

/** null: a term is bad, which is reported. */
function readAlso(
  { problems }: Compilation,
  path: DocumentPath,
  texts: readonly string[],
): FurtherTerms | null {
  const also: Directive[] = []
  const modifiers: string[] = []
  const refused = problems.list.length
  for (const [i, text] of texts.entries()) {
    const term = parseTerm(text)
    const why = faultOf(term)
    if (why !== null) {
      problems.refuse('spf-syntax', [...path, 'also', i], `bad SPF: ${why}`)
    } else if (term.kind === 'directive') also.push(term.directive)
    else modifiers.push(text)
  }
  return problems.list.length > refused ? null : { also, modifiers }
}

/** What is wrong with a term of `also`, or null. */
function faultOf(term: ParsedTerm): string | null {
  switch (term.kind) {
    case 'bad':
      return term.why
    case 'modifier':
      return term.name === 'redirect'
        ? 'redirect= counts only where there is no all, expected include:'
        : null
    case 'directive':
      return term.directive.mechanism.kind === 'all'
        ? `${term.directive.text} ends a record, expected it as all: ${term.directive.text}`
        : null
    default:
      return term satisfies never
  }
}

function rdataOf(text: string): Rdata {
  const octets = textOctets(text)
  const strings: number[] = []
  for (let at = 0; at < octets.length; at += 255) {
    const string = octets.subarray(at, at + 255)
    strings.push(string.length, ...string)
  }
  return { octets: Uint8Array.from(strings), compressible: [] }
}

interface AddedText {
  readonly text: string
  /** Seconds. */
  readonly ttl: number
}

/** Adds the record to those of the owner, whose TTL is that of all. */
function addText(
  compilation: Compilation,
  { draft, path, source }: SpfEntry,
  { text, ttl }: AddedText,
): void {
  const { problems } = compilation
  const existing = draft.sets.get(RRType.TXT)
  if (existing?.kind !== 'plain') {
    const set = { kind: 'plain', type: RRType.TXT, ttl, rdata: [rdataOf(text)] } as const
    addSet(compilation, draft, { set, place: path, rdataPaths: [path] })
    return
  }
  if (source.ttl !== undefined && source.ttl !== existing.ttl) {
    const message = `the TXT beside it have a TTL of ${existing.ttl} s: all have that one`
    problems.warn('ttl-differs', [...path, 'ttl'], message)
  }
  const rdata = [...existing.rdata, rdataOf(text)]
  checkRRset(compilation, path, RRType.TXT, rdata)
  const before = existing.rdata.map((_, i) => pathOfRdata(draft, RRType.TXT, i))
  putSet(draft, {
    set: { ...existing, rdata },
    place: pathOfSet(draft, RRType.TXT),
    rdataPaths: [...before, path],
  })
}
