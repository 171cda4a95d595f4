// Check `ds`: whether the DS records at each name server of the parent lead to a key that signs DNSKEY (RFC 4035 §5.2). Servers
// of a parent may differ for as long as they take over its zone.

import {
  type DelegationSigner,
  type DsMatch,
  matchDs,
  readDelegationSigner,
} from '../dnssec/chain-of-trust.ts'
import { type AnsweringParent, hasAnswered, type ParentServer } from '../trust/parent-ds.ts'
import type { Name } from '../wire/name.ts'
import { type CheckResult, fail, ok, skip, warn } from './report.ts'
import { contentOf } from './signed-facts.ts'

/** The DNSKEY records of the zone. */
export interface PublishedKeys {
  /** Empty: the zone is not signed. */
  readonly dnskeys: readonly Uint8Array[]
  /** Whether this one has signed DNSKEY; null: its algorithm is not verified here. */
  isSigner(dnskey: Uint8Array): boolean | null
}

export interface DsFacts {
  /** The zone, and its parent, for people. */
  readonly zone: string
  readonly apex: Name
  readonly parent: string
  readonly servers: readonly ParentServer[]
  /** Whether the parent has DNSKEY; null: no server of it says so. */
  readonly isParentSigned: boolean | null
  /** null: no name server of the zone answers DNSKEY. */
  readonly keys: PublishedKeys | null
  /** The zone is signed, and is to become unsigned. */
  readonly isUnsigning: boolean
}

export function checkDs(facts: DsFacts): readonly CheckResult[] {
  const groups = Map.groupBy(facts.servers.filter(hasAnswered), ({ ds }) => contentOf(ds))
  const results = [...groups.values()].flatMap((those) => {
    const found = judgeDs(those[0]?.ds ?? [], facts)
    const where = those.map(({ address }) => address).join(', ')
    return groups.size === 1
      ? found
      : found.map((one) => ({ ...one, text: `${one.text} (${where})` }))
  })
  return [
    ...results,
    ...compareServers(groups, facts),
    ...silentServers(facts),
    ...parentItself(facts),
  ]
}

function compareServers(
  groups: ReadonlyMap<string, readonly AnsweringParent[]>,
  { parent }: DsFacts,
): readonly CheckResult[] {
  if (groups.size < 2) return []
  const texts = [...groups.values()].map((those) => {
    const where = those.map(({ address }) => address).join(', ')
    return `${where}: ${textsOf(those[0]?.ds ?? []) || 'none'}`
  })
  const advice = `change nothing of the keys until all servers of ${parent} have the same DS`
  return [warn('ds', `the servers of ${parent} differ: ${texts.join('; ')}`, advice)]
}

const silentServers = ({ servers, parent }: DsFacts): readonly CheckResult[] =>
  servers.flatMap((server) =>
    server.kind === 'silent'
      ? [
          warn(
            'ds',
            `${server.address ?? server.name} of ${parent} does not answer DS: ${server.why}`,
            'ask again; resolvers that get to this server find no chain of trust',
          ),
        ]
      : [],
  )

function parentItself({ isParentSigned, parent, keys }: DsFacts): readonly CheckResult[] {
  if (isParentSigned !== false || keys === null || keys.dnskeys.length === 0) return []
  const text = `${parent} is not signed itself: no resolver gets to these keys, and TLSA counts for nobody`
  return [warn('ds', text, `have ${parent} signed first, and named by a DS of its own parent`)]
}

function judgeDs(rdatas: readonly Uint8Array[], facts: DsFacts): readonly CheckResult[] {
  const { zone, parent, keys } = facts
  if (rdatas.length === 0) return [withoutDs(facts)]
  if (keys === null)
    return [skip('ds', `${parent} has DS; no name server of the zone says its keys`)]
  if (keys.dnskeys.length > 0)
    return judgeChain(
      rdatas.map((rdata) => judgeOne(rdata, facts, keys)),
      facts,
    )
  return [
    fail(
      'ds',
      `${parent} has DS ${textsOf(rdatas)}, and the zone is not signed: resolvers that validate refuse every answer`,
      `have the DS taken out of ${parent}, or sign the zone with those keys: dnssec: {} in the zone file of ${zone}`,
    ),
  ]
}

function withoutDs({ zone, parent, keys, isUnsigning }: DsFacts): CheckResult {
  if (keys === null || keys.dnskeys.length === 0)
    return ok('ds', `${parent} has none, and the zone is not signed`)
  if (isUnsigning)
    return ok('ds', `${parent} has none: when its TTL is over, dnssec can leave the zone file`)
  return warn(
    'ds',
    `the zone is signed, and ${parent} has no DS: to resolvers it is unsigned`,
    `give ${parent} what "mxsteer keys ds ${zone}" prints`,
  )
}

/**
 * `good`: it names a key that signs DNSKEY. `old`: so it does, by SHA-1. `unread`: resolvers may know its digest or algorithm;
 * here neither is verified.
 */
interface DsVerdict {
  readonly kind: 'good' | 'old' | 'unread' | 'bad'
  readonly ds: DelegationSigner | null
  readonly text: string
  readonly why: string
}

const sha1 = 1

const mismatches: Readonly<Record<Exclude<DsMatch['kind'], 'key'>, string>> = {
  'no-key': 'the zone has no such key',
  'wrong-digest': 'the key with this tag has another digest',
  'unknown-digest': 'its digest type is not known here',
}

function judgeOne(rdata: Uint8Array, { apex }: DsFacts, keys: PublishedKeys): DsVerdict {
  const ds = readDelegationSigner(rdata)
  const verdict = (kind: DsVerdict['kind'], why: string): DsVerdict => ({
    kind,
    ds,
    text: textOf(rdata),
    why,
  })
  if (ds === null) return verdict('bad', 'it is too short')
  const match = matchDs(apex, ds, keys.dnskeys)
  if (match.kind === 'unknown-digest') return verdict('unread', mismatches[match.kind])
  if (match.kind !== 'key') return verdict('bad', mismatches[match.kind])
  const isSigner = keys.isSigner(match.dnskey)
  if (isSigner === null) return verdict('unread', 'its algorithm is not verified here')
  if (!isSigner) return verdict('bad', 'its key has not signed DNSKEY')
  return ds.digestType === sha1 ? verdict('old', 'SHA-1 is too old') : verdict('good', '')
}

function judgeChain(verdicts: readonly DsVerdict[], facts: DsFacts): readonly CheckResult[] {
  const of = (kind: DsVerdict['kind']): readonly DsVerdict[] =>
    verdicts.filter((one) => one.kind === kind)
  const [good, old, unread, bad] = [of('good'), of('old'), of('unread'), of('bad')]
  const { zone, parent } = facts
  const signing = new Set(good.map(({ ds }) => ds?.algorithm))
  const isMissing = ({ ds }: DsVerdict): boolean => !signing.has(ds?.algorithm)
  if (good.length > 0)
    return [
      ok('ds', `${parent} has DS ${namesOf(good)}, and DNSKEY is signed accordingly`),
      ...missingAlgorithms(bad.filter(isMissing), facts),
      ...strays(
        bad.filter((one) => !isMissing(one)),
        facts,
      ),
      ...(old.length > 0 ? [oldBeside(old, facts)] : []),
    ]
  if (old.length > 0)
    return [
      warn(
        'ds',
        `${parent} names ${reasons(old)}: resolvers begin to take the zone as unsigned`,
        `put what "mxsteer keys ds ${zone}" prints in its place: SHA-256`,
      ),
      ...strays(bad, facts),
    ]
  // Resolvers that know neither the digest nor the algorithm of any DS take the zone as unsigned (RFC 4035 §5.2).
  if (unread.length > 0)
    return [skip('ds', `${parent} names ${reasons(unread)}`), ...strays(bad, facts)]
  return [
    fail(
      'ds',
      `no DS of ${parent} leads to a key that signs: ${reasons(bad)}; resolvers that validate refuse every answer`,
      `have ${parent} take what "mxsteer keys ds ${zone}" prints, or bring the key back that it names`,
    ),
  ]
}

/** Each algorithm that DS name has to sign DNSKEY (RFC 4035 §2.2). */
const missingAlgorithms = (
  bad: readonly DsVerdict[],
  { parent }: DsFacts,
): readonly CheckResult[] =>
  bad.map(({ ds, text, why }) => {
    const algorithm = ds?.algorithm ?? 0
    return fail(
      'ds',
      `${text}: ${why}, and DNSKEY is not signed by algorithm ${algorithm}: strict resolvers refuse every answer`,
      `sign with a key of algorithm ${algorithm} too, or have its DS taken out of ${parent}`,
    )
  })

const strays = (bad: readonly DsVerdict[], { parent }: DsFacts): readonly CheckResult[] =>
  bad.length === 0
    ? []
    : [
        warn(
          'ds',
          `DS that lead to nothing: ${reasons(bad)}`,
          `have them taken out of ${parent}, unless a roll-over is under way`,
        ),
      ]

const oldBeside = (old: readonly DsVerdict[], { parent }: DsFacts): CheckResult =>
  warn('ds', reasons(old), `have it taken out of ${parent}: that by SHA-256 is enough`)

const namesOf = (verdicts: readonly DsVerdict[]): string =>
  verdicts
    .map(({ text }) => text)
    .sort()
    .join(', ')

const reasons = (verdicts: readonly DsVerdict[]): string =>
  verdicts.map(({ text, why }) => `${text}: ${why}`).join(', ')

const textsOf = (rdatas: readonly Uint8Array[]): string => rdatas.map(textOf).sort().join(', ')

/** Key tag, algorithm and digest type, as in presentation form. */
function textOf(rdata: Uint8Array): string {
  const ds = readDelegationSigner(rdata)
  return ds === null ? '?' : `${ds.tag} ${ds.algorithm} ${ds.digestType}`
}
