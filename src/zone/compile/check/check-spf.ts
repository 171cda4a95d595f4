// What is wrong with each SPF record of a zone by itself (RFC 7208): receivers use nothing of a record with a mistake, and
// nothing of several records at one name.

import { type Directive, isSpf, parseSpf, type SpfRecord } from '../../../spf/spf-record.ts'
import { nameToBareText } from '../../../wire/name.ts'
import type { Rdata } from '../../../wire/rdata/rdata.ts'
import { RRType } from '../../../wire/rrtype.ts'
import type { Compilation } from '../compilation.ts'
import { type OwnerDraft, type Owners, pathOfRdata, pathOfSet } from '../owners.ts'
import type { DocumentPath, Problems } from '../problem.ts'
import { beginsAsSpf, stringsOf } from '../texts/txt-strings.ts'

/** An SPF record of the zone that can be evaluated. */
export interface SpfText {
  /** The owner, in lower case and without final dot. */
  readonly domain: string
  readonly record: SpfRecord
  readonly path: DocumentPath
  /** Whether it was made of a `spf:`. */
  readonly isMade: boolean
}

/** Those that name more than everybody and nobody. */
export function checkSpf(compilation: Compilation, owners: Owners): readonly SpfText[] {
  const found: SpfText[] = []
  for (const owner of owners.values()) {
    const texts = textsOf(compilation, owner)
    const [first, second] = texts
    if (owner.sets.has(RRType.SPF) && !first) warnType(compilation, owner)
    if (!first) continue
    if (second) refuseSeveral(compilation, texts)
    else {
      const record = checkRecord(compilation, first)
      if (record === null || !saysMore(record)) continue
      const isMade = isOfForm(first.path)
      found.push({ domain: nameToBareText(owner.owner), record, path: first.path, isMade })
    }
  }
  return found
}

const isOfForm = (path: DocumentPath): boolean =>
  path[0] === 'records' && path.length === 3 && String(path[2]).toLowerCase() === 'spf'

const saysMore = ({ directives, redirect }: SpfRecord): boolean =>
  redirect !== null || directives.some(({ mechanism }) => mechanism.kind !== 'all')

interface GivenText {
  readonly text: string
  readonly strings: readonly string[]
  readonly path: DocumentPath
}

function textsOf({ problems }: Compilation, owner: OwnerDraft): readonly GivenText[] {
  const set = owner.sets.get(RRType.TXT)
  if (set?.kind !== 'plain') return []
  const texts: GivenText[] = []
  for (const [i, rdata] of set.rdata.entries()) {
    if (!beginsAsSpf(rdata)) continue
    const given = textOf(rdata, pathOfRdata(owner, RRType.TXT, i))
    if (isSpf(given.text)) texts.push(given)
    else if (given.strings.length > 1 && isSpf(withBlanks(given)))
      problems.warn('spf-spaces', given.path, spacesMessage(given))
  }
  return texts
}

function textOf(rdata: Rdata, path: DocumentPath): GivenText {
  const strings = stringsOf(rdata)
  return { text: strings.join(''), strings, path }
}

const withBlanks = ({ strings }: GivenText): string => strings.join(' ')

const spacesMessage = (given: GivenText): string =>
  `its ${given.strings.length} strings are joined without blanks, to ${shown(given.text)}: expected ${shown(withBlanks(given))}, in one pair of quotes`

const shownCharacters = 200

const shown = (text: string): string =>
  JSON.stringify(text.length > shownCharacters ? `${text.slice(0, shownCharacters)}…` : text)

function warnType({ problems }: Compilation, owner: OwnerDraft): void {
  const path = pathOfSet(owner, RRType.SPF)
  const message = 'nobody asks for the type SPF any more (RFC 7208 §3.1), expected it as TXT'
  problems.warn('spf-type', path, message, 'key')
}

const isAll = ({ mechanism }: Directive): boolean => mechanism.kind === 'all'

function refuseSeveral({ problems }: Compilation, texts: readonly GivenText[]): void {
  const records = texts.flatMap(({ text }) => {
    const parsed = parseSpf(text)
    return parsed.kind === 'record' ? parsed.record.directives : []
  })
  const terms = [...new Set(records.filter((one) => !isAll(one)).map(({ text }) => text))]
  const all = records.findLast(isAll)?.text
  const merged = ['v=spf1', ...terms, ...(all === undefined ? [] : [all])].join(' ')
  const byHand = texts.findLast(({ path }) => !isOfForm(path)) ?? texts[0]
  const isBeside = texts.some(({ path }) => isOfForm(path))
  const instead = isBeside ? 'its further terms in `also` of spf' : `one, ${shown(merged)}`
  const message = `this name has ${texts.length} SPF records, which is an error to receivers (RFC 7208 §4.5): expected ${instead}`
  problems.refuse('spf-several', byHand?.path ?? [], message)
}

/** null: it has a mistake, which is reported. */
function checkRecord({ problems }: Compilation, given: GivenText): SpfRecord | null {
  const { text, path } = given
  const parsed = parseSpf(text)
  if (parsed.kind === 'bad') {
    const blanks = given.strings.length > 1 ? parseSpf(withBlanks(given)) : null
    const hint = blanks?.kind === 'record' ? `; ${spacesMessage(given)}` : ''
    problems.refuse('spf-syntax', path, `bad SPF: ${parsed.why}${hint}`)
    return null
  }
  const { record } = parsed
  checkIgnored(problems, path, record)
  const modifier = /(?<= )(?:include|ip4|ip6|exists|a|mx)=\S*/i.exec(text)?.[0]
  if (modifier !== undefined) {
    const message = `${shown(modifier)} counts for nothing, since no modifier has that name (RFC 7208 §6): expected ${shown(modifier.replace('=', ':'))}`
    problems.warn('spf-ignored', path, message)
  }
  for (const directive of record.directives) checkDirective(problems, path, directive)
  return record
}

function checkIgnored(
  problems: Problems,
  path: DocumentPath,
  { directives, redirect }: SpfRecord,
): void {
  const at = directives.findIndex(({ mechanism }) => mechanism.kind === 'all')
  const all = directives[at]
  const after = directives[at + 1]
  if (!all) return
  if (after) {
    const message = `what stands behind ${all.text} counts for nothing, from ${shown(after.text)} on: expected it before`
    // Hosts that it names are refused.
    if (all.qualifier === '-') problems.refuse('spf-ignored', path, message)
    else problems.warn('spf-ignored', path, message)
  }
  if (redirect === null) return
  const message = `redirect= counts only where there is no all (RFC 7208 §6.1): expected include:${redirect} before ${all.text}, or no ${all.text}`
  problems.warn('spf-ignored', path, message)
}

function checkDirective(
  problems: Problems,
  path: DocumentPath,
  { text, qualifier, mechanism }: Directive,
): void {
  if (mechanism.kind === 'ptr') {
    const message = `${text} is slow, fails for hosts whose reverse name does, and many receivers skip it (RFC 7208 §5.5): expected ip4: and ip6:, or spf: { pools: […] }`
    problems.warn('spf-ptr', path, message)
  }
  const isEverybody =
    mechanism.kind === 'all' || ('network' in mechanism && mechanism.network.prefixLength === 0)
  if (qualifier !== '+' || !isEverybody) return
  const message = `${text} allows every host of the Internet to send, expected -all or ~all`
  problems.warn('spf-passes-all', path, message)
}
