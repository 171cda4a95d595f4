// Checks `keys`, `signatures`, `clock` and `denial` of a signed zone: every name server has the same keys, signatures that are
// valid now, and the same proof of what does not exist. Resolvers take keys from one server and answers from another.

import {
  compareNames,
  isBetween,
  judgeSignature,
  type SetSignature,
} from '../dnssec/chain-of-trust.ts'
import { keyTagOf } from '../dnssec/dnskey.ts'
import { gridSecondsOf } from '../lib/signing-grid.ts'
import { keyOfName, type Name, nameToText } from '../wire/name.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { nameEnd } from '../wire/rdata/name-field.ts'
import { decodeTypes } from '../wire/rdata/type-bitmap.ts'
import { RRType, typeToText } from '../wire/rrtype.ts'
import type { PublishedKeys } from './ds-check.ts'
import { type CheckResult, fail, ok, warn } from './report.ts'
import { absentName, contentOf, type SignedSet, type ZoneServer } from './signed-facts.ts'

export interface SignedZoneFacts {
  readonly apex: Name
  /** From the zone file, seconds; null: it does not have the zone signed. */
  readonly validitySeconds: number | null
  readonly servers: readonly ZoneServer[]
  readonly nowSeconds: number
}

/** A server that answers DNSKEY; `dnskeys` is empty where it serves the zone unsigned. */
interface KeyServer {
  readonly server: ZoneServer
  readonly set: SignedSet
}

const whereOf = ({ name, address }: ZoneServer): string => `${name} at ${address}`

const keyServersOf = (servers: readonly ZoneServer[]): readonly KeyServer[] =>
  servers.flatMap((server) => ('problem' in server.dnskey ? [] : [{ server, set: server.dnskey }]))

/** DNSKEY as most servers have it, unsigned ones only where all are; null: none answers. */
function commonKeys(servers: readonly ZoneServer[]): SignedSet | null {
  const all = keyServersOf(servers)
  const signed = all.filter(({ set }) => set.rdatas.length > 0)
  const groups = [
    ...Map.groupBy(signed.length > 0 ? signed : all, ({ set }) => contentOf(set.rdatas)).values(),
  ]
  const [most] = groups.sort((a, b) => b.length - a.length)
  return most?.[0]?.set ?? null
}

/** null: no name server answers DNSKEY. */
export function publishedKeys({
  apex,
  servers,
  nowSeconds,
}: SignedZoneFacts): PublishedKeys | null {
  const set = commonKeys(servers)
  if (set === null) return null
  return {
    dnskeys: set.rdatas,
    isSigner(dnskey) {
      const own = set.signatures.filter(({ algorithm }) => algorithm === dnskey[3])
      const verdicts = own.map((one) =>
        judgeSignature(set, one, { apex, dnskeys: [dnskey] }, nowSeconds),
      )
      // Times are the check `signatures`.
      if (verdicts.some((one) => one === 'valid' || one === 'expired' || one === 'not-yet'))
        return true
      return verdicts.includes('unsupported') ? null : false
    },
  }
}

/** Of a zone that is to be signed, or that a server of it signs. */
export function checkSignedServers(facts: SignedZoneFacts): readonly CheckResult[] {
  const common = commonKeys(facts.servers)
  if (common === null) return []
  if (common.rdatas.length === 0)
    return [
      fail(
        'keys',
        'no name server has DNSKEY, and the zone file has the zone signed',
        'reload them, and see in the log of each which mistake keeps the keys from coming into force',
      ),
    ]
  const signed = keyServersOf(facts.servers).filter(({ set }) => set.rdatas.length > 0)
  return [
    ...checkKeys(facts, common),
    ...checkSignatures(signed, facts),
    ...signed.flatMap((one) => compareClock(one, facts)),
    ...checkDenial(signed, facts),
  ]
}

const keyName = (dnskey: Uint8Array): string => `${keyTagOf(dnskey)} (algorithm ${dnskey[3]})`

const keyNames = (set: SignedSet): string => set.rdatas.map(keyName).sort().join(', ')

function checkKeys({ servers }: SignedZoneFacts, common: SignedSet): readonly CheckResult[] {
  const problems = servers.flatMap((server): readonly CheckResult[] => {
    const { dnskey } = server
    // A server that answers nothing is the matter of `servers`.
    if ('problem' in dnskey)
      return 'problem' in server.soa ? [] : [withoutKeys(server, dnskey.problem)]
    if (dnskey.rdatas.length === 0) return [unsignedServer(server)]
    return contentOf(dnskey.rdatas) === contentOf(common.rdatas)
      ? []
      : [otherKeys(server, dnskey, common)]
  })
  return problems.length > 0 ? problems : [ok('keys', `all have ${keyNames(common)}`)]
}

const withoutKeys = (server: ZoneServer, problem: string): CheckResult =>
  fail(
    'keys',
    `${whereOf(server)} does not answer DNSKEY: ${problem}`,
    'let UDP of 1232 octets and TCP through',
  )

const unsignedServer = (server: ZoneServer): CheckResult =>
  fail(
    'keys',
    `${whereOf(server)} serves the zone unsigned: with a DS, resolvers refuse its answers`,
    'give it the zone file with dnssec: and the same keys, or take it out of the NS records',
  )

const has = (set: SignedSet, { tag, algorithm }: SetSignature): boolean =>
  set.rdatas.some((key) => key[3] === algorithm && keyTagOf(key) === tag)

/** Harmless while it knows every key that signs, and all others know those that it signs with. */
function otherKeys(server: ZoneServer, own: SignedSet, common: SignedSet): CheckResult {
  const soa = 'problem' in server.soa ? [] : server.soa.signatures
  const isForeign =
    [...own.signatures, ...soa].some((one) => !has(common, one)) ||
    common.signatures.some((one) => !has(own, one))
  const text = `${whereOf(server)} has the keys ${keyNames(own)}; others have ${keyNames(common)}`
  const advice = 'copy the same key files to every instance'
  return isForeign
    ? fail('keys', `${text}: resolvers refuse what one signs and the other does not know`, advice)
    : warn('keys', text, advice)
}

/** A signature with less than this share of its time left should have been made anew. */
const leastShareLeft = 0.1

function checkSignatures(
  servers: readonly KeyServer[],
  facts: SignedZoneFacts,
): readonly CheckResult[] {
  const problems: CheckResult[] = []
  const untils: number[] = []
  for (const { server, set } of servers) {
    const sets = 'problem' in server.soa ? [set] : [set, server.soa]
    const verdicts = sets.map((one) => judgeSet(one, set, facts))
    const flaws = verdicts.filter((one) => one.kind === 'flawed')
    const valid = verdicts.filter((one) => one.kind === 'valid')
    const until = Math.min(...valid.map((one) => one.until))
    if (flaws[0] !== undefined) {
      const text = `${whereOf(server)}: ${flaws.map((one) => one.text).join('; ')}`
      problems.push(fail('signatures', text, flaws[0].advice))
    } else if (valid.some(({ isLate }) => isLate)) problems.push(lateSignature(server, until))
    else if (valid.length > 0) untils.push(until)
  }
  if (problems.length > 0 || untils.length === 0) return problems
  return [
    ok(
      'signatures',
      `of DNSKEY and SOA are valid, the first until ${timeText(Math.min(...untils))}`,
    ),
  ]
}

const lateSignature = (server: ZoneServer, until: number): CheckResult =>
  warn(
    'signatures',
    `${whereOf(server)}: a signature ends at ${timeText(until)}`,
    'see why it is not made anew: does the server sign, and is its clock right?',
  )

const timeText = (seconds: number): string =>
  `${new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ')} UTC`

type SetVerdict =
  | { readonly kind: 'valid'; readonly until: number; readonly isLate: boolean }
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'flawed'; readonly text: string; readonly advice: string }

const flawed = (text: string, advice: string): SetVerdict => ({ kind: 'flawed', text, advice })

const signAnew = 'have it sign the zone anew, or transfer it from whoever does'

/** By the keys of the server itself: whether others have the same is the check `keys`. */
function judgeSet(
  set: SignedSet,
  { rdatas: dnskeys }: SignedSet,
  facts: SignedZoneFacts,
): SetVerdict {
  const { apex, nowSeconds } = facts
  const what = set.type === RRType.DNSKEY ? 'DNSKEY' : set.type === RRType.SOA ? 'SOA' : 'NSEC'
  if (set.signatures.length === 0) return flawed(`${what} has no signature`, signAnew)
  const judged = set.signatures.map((signature) => ({
    signature,
    verdict: judgeSignature(set, signature, { apex, dnskeys }, nowSeconds),
  }))
  const good = judged.find(({ verdict }) => verdict === 'valid')
  if (good !== undefined) {
    const { expiration, inception } = good.signature
    const isLate = expiration - nowSeconds < leastShareLeft * (expiration - inception)
    return { kind: 'valid', until: expiration, isLate }
  }
  if (judged.some(({ verdict }) => verdict === 'unsupported')) return { kind: 'unsupported' }
  const early = judged.find(({ verdict }) => verdict === 'not-yet')
  if (early !== undefined)
    return flawed(
      `the signature of ${what} begins at ${timeText(early.signature.inception)}, by this clock in the future`,
      'set its clock, or that of this host, by NTP',
    )
  const expired = judged.find(({ verdict }) => verdict === 'expired')
  if (expired === undefined)
    return flawed(`no signature of ${what} is one of its keys: resolvers refuse it`, signAnew)
  return flawed(
    `the signature of ${what} ended at ${timeText(expired.signature.expiration)}`,
    signAnew,
  )
}

/** Instances take a signature again for an hour, and minutes of difference harm nobody. */
const clockLimits = { keptSeconds: 3600, toleratedSeconds: 300 }

/**
 * An instance says its time within a twelfth of `validity`: it begins signatures one such grid before the last point of the
 * grid (dnssec/validity.ts). Other servers begin them when they like.
 */
function compareClock({ server }: KeyServer, facts: SignedZoneFacts): readonly CheckResult[] {
  const { validitySeconds, nowSeconds } = facts
  if (validitySeconds === null || 'problem' in server.soa) return []
  const grid = gridSecondsOf(validitySeconds)
  const signature = server.soa.signatures.find(
    ({ inception, expiration }) => expiration - inception === grid + validitySeconds,
  )
  if (signature === undefined) return []
  const ahead = signature.inception + grid - nowSeconds
  const behind = nowSeconds - (signature.inception + 2 * grid + clockLimits.keptSeconds)
  const seconds = Math.max(ahead, behind)
  if (seconds <= clockLimits.toleratedSeconds) return []
  const text = `signatures of ${whereOf(server)} are those of a clock at least ${lengthText(seconds)} ${ahead > 0 ? 'ahead' : 'behind'}`
  return [
    warn('clock', text, 'let both hosts take their time from NTP: signatures begin and end by it'),
  ]
}

const lengthText = (seconds: number): string =>
  seconds < 7200 ? `${Math.floor(seconds / 60)} min` : `${Math.floor(seconds / 3600)} h`

function checkDenial(
  servers: readonly KeyServer[],
  facts: SignedZoneFacts,
): readonly CheckResult[] {
  const proofs: { readonly server: ZoneServer; readonly text: string }[] = []
  const problems = servers.flatMap(({ server, set }): readonly CheckResult[] => {
    const { denial } = server
    if ('problem' in denial) return []
    const flaw = flawOfProof(denial, set, facts)
    if (flaw === null) proofs.push({ server, text: proofText(denial) })
    return flaw === null ? [] : [fail('denial', `${whereOf(server)}: ${flaw}`, denialAdvice)]
  })
  const groups = [...Map.groupBy(proofs, ({ text }) => text)].sort(
    (a, b) => b[1].length - a[1].length,
  )
  const others = groups.slice(1).map(([text, those]) => {
    const where = those.map(({ server }) => whereOf(server)).join(', ')
    return warn(
      'denial',
      `${where} denies by ${text}; others by ${groups[0]?.[0] ?? ''}`,
      'give all name servers the same zone: what one denies resolvers may not ask the others for',
    )
  })
  const found = [...problems, ...others]
  return found.length > 0 || groups.length === 0
    ? found
    : [ok('denial', 'all deny a name that does not exist, and alike')]
}

const denialAdvice =
  'have it sign the zone anew: resolvers refuse what it says of names that are not there'

/** null: the sets deny the name, as far as that is looked at here. */
function flawOfProof(
  sets: readonly SignedSet[],
  dnskeys: SignedSet,
  facts: SignedZoneFacts,
): string | null {
  if (sets.length === 0) return 'a name that does not exist is denied without NSEC'
  for (const set of sets) {
    const verdict = judgeSet(set, dnskeys, facts)
    if (verdict.kind === 'flawed') return verdict.text
  }
  const name = keyOfName(absentName(facts.apex))
  const chain = sets.filter(({ type }) => type === RRType.NSEC)
  // Whether a hash is between others is left to resolvers: the check `validation`.
  if (chain.length < sets.length) return null
  const isDenied = chain.some(({ owner, rdatas: [rdata] }) => {
    const end = rdata === undefined ? null : nameEnd(rdata, 0)
    if (rdata === undefined || end === null) return false
    return isBetween(name, keyOfName(owner), keyOfName(rdata.subarray(0, end)))
  })
  return isDenied ? null : 'no NSEC is before and behind a name that does not exist'
}

/** What is denied, without the times of signatures. */
const proofText = (sets: readonly SignedSet[]): string =>
  [...sets]
    .sort((a, b) => compareNames(keyOfName(a.owner), keyOfName(b.owner)))
    .flatMap(({ owner, type, rdatas }) => rdatas.map((rdata) => linkText(owner, type, rdata)))
    .join(', ')

function linkText(owner: Name, type: number, rdata: Uint8Array): string {
  const end = type === RRType.NSEC ? nameEnd(rdata, 0) : null
  if (end === null) return `NSEC3 ${nameToText(owner)} ${formatRdata(type, rdata)}`
  const types = decodeTypes(rdata.subarray(end))?.map(typeToText).join(' ') ?? 'malformed types'
  return `NSEC ${nameToText(owner)} to ${nameToText(rdata.subarray(0, end))} (${types})`
}
