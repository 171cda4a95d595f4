// A validator of whole responses of an authoritative server, from the RFCs (4034, 4035, 4592, 6672, 6840) and without
// src/: whether what is answered follows from keys that are trusted. Stricter than resolvers are: every signature that is
// sent has to be good, each set needs one, and nothing may be in the answer that was not asked for.

import {
  type Denial,
  type DenialFlaw,
  type Proof,
  hasOwnTypes,
  parseDenial,
  proveExpansion,
  proveInsecure,
  proveNoData,
  proveNoName,
} from './dnssec/denial.ts'
import { type Message, type Rr, decodeMessage, nameAt } from './dnssec/message.ts'
import {
  type Labels,
  isAtOrBelow,
  isBelow,
  isSameName,
  labelsOf,
  nameText,
} from './dnssec/names.ts'
import {
  type DelegationSigner,
  type Rrset,
  type SignatureFlaw,
  type TrustedZone,
  type ZoneKey,
  isKeyOf,
  judgeSignature,
  parseRrsig,
  setsOf,
  zoneKey,
} from './dnssec/signatures.ts'

export interface Question {
  /** Presentation form. */
  readonly qname: string
  readonly qtype: number
}

export type Flaw =
  | SignatureFlaw
  | DenialFlaw
  | 'malformed'
  | 'not a response to this'
  | 'DO not copied'
  | 'RCODE'
  | 'no signature'
  | 'signature without a set'
  | 'signed below a cut'
  | 'outside of the zone'
  | 'expanded denial'
  | 'no SOA'
  | 'denial outlives the SOA'
  | 'not asked for'
  | 'alias leads elsewhere'

/** A set that was verified. `source` is its owner, or the wildcard that it was expanded from. */
export interface VerifiedSet {
  readonly owner: Labels
  readonly type: number
  readonly source: Labels
}

export type Outcome =
  | 'data'
  | 'no data'
  | 'no name'
  | 'insecure referral'
  | 'signed referral'
  | 'alias'

/**
 * `secure`: all of it follows from the keys. `outcome` is what the last name of a chain of aliases came to; `alias` where
 * the server left it open, because it leads out of its zones, or round, or is too long.
 */
export type Verdict =
  | {
      readonly kind: 'secure'
      readonly outcome: Outcome
      readonly verified: readonly VerifiedSet[]
      readonly denials: readonly Denial[]
      /** Owner and type of additional sets of the zone that came without signatures, for lack of room. */
      readonly unsignedAdditional: readonly string[]
    }
  | { readonly kind: 'truncated' }
  /** `at`: the owner and type, or the name, that it is about. */
  | { readonly kind: 'bogus'; readonly why: Flaw; readonly at: string }

class Bogus extends Error {
  readonly why: Flaw
  readonly at: string
  constructor(why: Flaw, at: string) {
    super(`${why}: ${at}`)
    this.why = why
    this.at = at
  }
}

const [ns, cname, soa, dname, ds, rrsig, nsec, dnskey, any] = [
  2, 5, 6, 39, 43, 46, 47, 48, 255,
] as const

/** Judges the response to a query with DO. */
export function validate(
  zones: readonly TrustedZone[],
  question: Question,
  response: Buffer,
  nowSeconds: number,
): Verdict {
  try {
    const message = decodeMessage(response)
    const asked = { qname: labelsOf(question.qname), qtype: question.qtype }
    checkHeader(message, asked)
    if (message.isTruncated) return { kind: 'truncated' }
    return new Validation(zones, message, nowSeconds).verdict(asked)
  } catch (error) {
    if (error instanceof Bogus) return { kind: 'bogus', why: error.why, at: error.at }
    return { kind: 'bogus', why: 'malformed', at: String(error) }
  }
}

/** The keys of a zone whose DS is trusted, out of its response to DNSKEY; or why that response is bogus. */
export function trustByDs(
  apex: string,
  signers: readonly DelegationSigner[],
  response: Buffer,
  nowSeconds: number,
): { readonly kind: 'trusted'; readonly zone: TrustedZone } | Extract<Verdict, { kind: 'bogus' }> {
  const owner = labelsOf(apex)
  const published = keysIn(response, owner)
  const keys = published.filter((key) => signers.some((signer) => isKeyOf(signer, owner, key)))
  const verdict = validateKeySet({ apex: owner, keys }, response, nowSeconds)
  if (verdict !== null) return verdict
  return { kind: 'trusted', zone: { apex: owner, keys: published } }
}

function keysIn(response: Buffer, apex: Labels): ZoneKey[] {
  const { answer } = decodeMessage(response)
  const records = answer.filter(({ type, owner }) => type === dnskey && isSameName(owner, apex))
  return records.flatMap(({ rdata }) => zoneKey(rdata) ?? [])
}

/** Null where one signature by a key that is trusted is good: those by other keys say nothing yet. */
function validateKeySet(
  zone: TrustedZone,
  response: Buffer,
  nowSeconds: number,
): Extract<Verdict, { kind: 'bogus' }> | null {
  const { sets, signatures } = setsOf(decodeMessage(response).answer)
  const set = sets.find(({ type }) => type === dnskey)
  const at = `${nameText(zone.apex)} TYPE48`
  if (set === undefined) return { kind: 'bogus', why: 'no signature', at }
  const verdicts = signatures.map((one) => judgeSignature(set, parseRrsig(one), zone, nowSeconds))
  if (verdicts.some(({ kind }) => kind === 'valid')) return null
  const [first] = verdicts
  return { kind: 'bogus', why: first?.kind === 'flawed' ? first.flaw : 'no signature', at }
}

interface Asked {
  readonly qname: Labels
  readonly qtype: number
}

function checkHeader({ isResponse, question, opt, rcode }: Message, asked: Asked): void {
  const at = `${nameText(asked.qname)} TYPE${asked.qtype}`
  const isAsked =
    isResponse && question?.qtype === asked.qtype && isSameName(question.qname, asked.qname)
  if (!isAsked) throw new Bogus('not a response to this', at)
  // NOERROR, NXDOMAIN, YXDOMAIN.
  if (rcode !== 0 && rcode !== 3 && rcode !== 6) throw new Bogus('RCODE', `${at}: ${rcode}`)
  // RFC 3225 §3.
  if (opt?.isDnssecOk !== true) throw new Bogus('DO not copied', at)
}

const setText = ({ owner, type }: Pick<Rrset, 'owner' | 'type'>): string =>
  `${nameText(owner)} TYPE${type}`

const rdataName = ({ canonicalRdata }: Rr): Labels => nameAt(canonicalRdata, 0, false).labels

/** RFC 6672 §2.2. */
const substituted = (name: Labels, { owner, records }: Rrset): Labels => [
  ...name.slice(0, name.length - owner.length),
  ...rdataName(records[0] as Rr),
]

class Validation {
  readonly #zones: readonly TrustedZone[]
  readonly #message: Message
  readonly #nowSeconds: number
  readonly #verified: VerifiedSet[] = []
  readonly #denials: (Denial & { readonly zone: TrustedZone })[] = []
  readonly #unsignedAdditional: string[] = []
  readonly #answer: Rrset[]
  readonly #authority: Rrset[]
  /** The delegation that the response refers to. */
  readonly #cut: Rrset | null
  /** Names that a wildcard was expanded to, with the labels of what encloses it. */
  readonly #expanded: { owner: Labels; encloserLabels: number }[] = []

  constructor(zones: readonly TrustedZone[], message: Message, nowSeconds: number) {
    this.#zones = zones
    this.#message = message
    this.#nowSeconds = nowSeconds
    this.#answer = setsOf(message.answer).sets
    this.#authority = setsOf(message.authority).sets
    this.#cut =
      this.#authority.find(({ owner, type }) => {
        const zone = this.#zoneOf(owner)
        return type === ns && zone !== null && isBelow(owner, zone.apex)
      }) ?? null
  }

  verdict({ qname, qtype }: Asked): Verdict {
    this.#verifySection(this.#message.answer, qtype === rrsig)
    this.#verifySection(this.#message.authority, false)
    this.#verifyAdditional()
    this.#collectDenials()
    const outcome = this.#follow(qname, qtype)
    for (const { owner, encloserLabels } of this.#expanded) {
      const denials = this.#denialsOf(this.#zoneOf(owner))
      this.#demand(proveExpansion(denials, owner, encloserLabels), owner)
    }
    return {
      kind: 'secure',
      outcome,
      verified: this.#verified,
      denials: this.#denials,
      unsignedAdditional: this.#unsignedAdditional,
    }
  }

  /** The zone that a name belongs to, the innermost. */
  #zoneOf(name: Labels): TrustedZone | null {
    const around = this.#zones.filter(({ apex }) => isAtOrBelow(name, apex))
    return around.sort((a, b) => b.apex.length - a.apex.length)[0] ?? null
  }

  /** The zone that speaks of the DS of a name: its parent's, where both are trusted. */
  #zoneAbove(name: Labels): TrustedZone | null {
    return this.#zoneOf(name.slice(1)) ?? this.#zoneOf(name)
  }

  /** At a cut between zones that are both trusted DS is the parent's, and NSEC that of the zone which signed it. */
  #zoneOfSigner({ owner }: Rrset, [signature]: readonly Rr[]): TrustedZone | null {
    const signer = signature === undefined ? owner : parseRrsig(signature).signer
    const isSigner = ({ apex }: TrustedZone): boolean =>
      isSameName(apex, signer) && isAtOrBelow(owner, apex)
    return this.#zones.find(isSigner) ?? this.#zoneOf(owner)
  }

  #denialsOf(zone: TrustedZone | null): readonly Denial[] {
    return this.#denials.filter((denial) => denial.zone === zone)
  }

  /** At and below a cut only DS and NSEC of the cut itself are the zone's (RFC 4035 §2.2). */
  #isBelowCut({ owner, type }: Rrset): boolean {
    if (this.#cut === null || !isAtOrBelow(owner, this.#cut.owner)) return false
    return !isSameName(owner, this.#cut.owner) || (type !== ds && type !== nsec)
  }

  #verifySection(records: readonly Rr[], mayBeSignaturesAlone: boolean): void {
    const { sets, signatures } = setsOf(records)
    for (const set of sets) {
      const own = this.#signaturesOf(set, signatures)
      if (this.#isBelowCut(set)) this.#demandUnsigned(set, own)
      else if (own.length > 0) this.#noteExpansion(set, this.#verify(set, own))
      else if (!this.#isSynthesized(set)) throw new Bogus('no signature', setText(set))
    }
    if (!mayBeSignaturesAlone) this.#demandSets(sets, signatures)
  }

  #verifyAdditional(): void {
    const { sets, signatures } = setsOf(this.#message.additional)
    for (const set of sets) {
      const own = this.#signaturesOf(set, signatures)
      if (this.#isBelowCut(set)) this.#demandUnsigned(set, own)
      else if (own.length > 0) this.#verify(set, own)
      else this.#unsignedAdditional.push(setText(set))
    }
    this.#demandSets(sets, signatures)
  }

  #demandUnsigned(set: Rrset, signatures: readonly Rr[]): void {
    if (signatures.length > 0) throw new Bogus('signed below a cut', setText(set))
  }

  /** Each signature stands beside what it covers (RFC 4035 §3.1.1). */
  #demandSets(sets: readonly Rrset[], signatures: readonly Rr[]): void {
    for (const signature of signatures)
      if (!sets.some((set) => this.#signaturesOf(set, [signature]).length > 0)) {
        const { covered } = parseRrsig(signature)
        throw new Bogus('signature without a set', setText({ ...signature, type: covered }))
      }
  }

  #signaturesOf({ owner, type }: Rrset, signatures: readonly Rr[]): readonly Rr[] {
    return signatures.filter(
      (one) => one.canonicalRdata.readUInt16BE(0) === type && isSameName(one.owner, owner),
    )
  }

  /**
   * Every signature has to be good, unless `byAlgorithm` says which. What was signed: the owner, or the wildcard that it was
   * expanded from.
   */
  #verify(set: Rrset, signatures: readonly Rr[]): Labels {
    const isOfEither = set.type === ds || set.type === nsec
    const zone = isOfEither ? this.#zoneOfSigner(set, signatures) : this.#zoneOf(set.owner)
    if (zone === null) throw new Bogus('outside of the zone', setText(set))
    let { owner: source } = set
    const missing = new Set(zone.byAlgorithm ? zone.keys.map(({ algorithm }) => algorithm) : [])
    for (const signature of signatures) {
      const rrsig = parseRrsig(signature)
      const verdict = judgeSignature(set, rrsig, zone, this.#nowSeconds)
      if (zone.byAlgorithm && verdict.kind === 'flawed' && verdict.flaw === 'no such key') continue
      if (verdict.kind === 'flawed') throw new Bogus(verdict.flaw, setText(set))
      missing.delete(rrsig.algorithm)
      source = verdict.source
    }
    if (missing.size > 0) throw new Bogus('no such key', setText(set))
    this.#verified.push({ owner: set.owner, type: set.type, source })
    return source
  }

  #noteExpansion(set: Rrset, source: Labels): void {
    if (isSameName(source, set.owner)) return
    this.#expanded.push({ owner: set.owner, encloserLabels: source.length - 1 })
  }

  /** A CNAME that a DNAME of the same answer was followed by; it is never signed (RFC 6672 §5.3.1). */
  #isSynthesized({ owner, type }: Rrset): boolean {
    return type === cname && this.#dnameAbove(owner) !== undefined
  }

  #dnameAbove(name: Labels): Rrset | undefined {
    return this.#answer.find(({ owner, type }) => type === dname && isBelow(name, owner))
  }

  #collectDenials(): void {
    const { sets, signatures } = setsOf(this.#message.authority)
    for (const set of sets.filter(({ type }) => type === nsec)) {
      const zone = this.#zoneOfSigner(set, this.#signaturesOf(set, signatures))
      const denial = parseDenial(set.records[0] as Rr)
      // RFC 4592 §4.7: that is an answer to whoever asks for NSEC, and denies nothing.
      if (this.#expanded.some(({ owner }) => isSameName(owner, set.owner)))
        throw new Bogus('expanded denial', setText(set))
      if (denial === null || zone === null || set.records.length > 1)
        throw new Bogus('bitmap is malformed', setText(set))
      if (!hasOwnTypes(denial)) throw new Bogus('bitmap lacks NSEC or RRSIG', setText(set))
      this.#denials.push({ ...denial, zone })
    }
  }

  #demand(proof: Proof, name: Labels): void {
    if (proof.kind === 'flawed') throw new Bogus(proof.flaw, nameText(name))
  }

  /** From the QNAME over its aliases to what is said of the last name. */
  #follow(qname: Labels, qtype: number): Outcome {
    const used = new Set<Rrset>()
    const outcome = this.#outcomeOf(this.#lastName(qname, qtype, used), qtype, used)
    const spare = this.#answer.find((set) => !used.has(set))
    if (spare !== undefined) throw new Bogus('not asked for', setText(spare))
    return outcome
  }

  /** Where the aliases end, or meet a name again. */
  #lastName(qname: Labels, qtype: number, used: Set<Rrset>): Labels {
    const met = new Set<string>()
    let name = qname
    while (!met.has(nameText(name))) {
      met.add(nameText(name))
      const next = this.#aliasOf(name, qtype, used)
      if (next === null) break
      name = next
    }
    return name
  }

  /** Where a name leads to, with the sets that say so added to `used`; null where it is no alias. */
  #aliasOf(name: Labels, qtype: number, used: Set<Rrset>): Labels | null {
    const dnameSet = this.#dnameAbove(name)
    const cnameSet = this.#answer.find(
      ({ owner, type }) => type === cname && isSameName(owner, name),
    )
    if (dnameSet !== undefined) {
      used.add(dnameSet)
      // RFC 6672 §2.2: a name that grows too long has no CNAME, and YXDOMAIN.
      if (cnameSet === undefined) return null
      const target = this.#targetOf(cnameSet, used)
      if (!isSameName(target, substituted(name, dnameSet)))
        throw new Bogus('alias leads elsewhere', setText(cnameSet))
      return qtype === cname ? null : target
    }
    const isAskedItself = qtype === cname || qtype === any || qtype === rrsig
    return cnameSet === undefined || isAskedItself ? null : this.#targetOf(cnameSet, used)
  }

  #targetOf(set: Rrset, used: Set<Rrset>): Labels {
    if (set.records.length !== 1) throw new Bogus('not asked for', setText(set))
    used.add(set)
    return rdataName(set.records[0] as Rr)
  }

  #outcomeOf(name: Labels, qtype: number, used: Set<Rrset>): Outcome {
    const { rcode } = this.#message
    if (rcode === 6) return this.#tooLong(name, used)
    const own = this.#answer.filter(({ owner }) => isSameName(owner, name))
    const asked = own.filter(({ type }) => type === qtype || qtype === any)
    for (const set of asked) used.add(set)
    const isOfSignatures =
      qtype === rrsig &&
      this.#message.answer.some(({ owner, type }) => type === rrsig && isSameName(owner, name))
    if (asked.length > 0 || isOfSignatures) {
      if (rcode !== 0) throw new Bogus('RCODE', `${nameText(name)}: ${rcode}`)
      return 'data'
    }
    const zone = qtype === ds ? this.#zoneAbove(name) : this.#zoneOf(name)
    // But for the proof of a wildcard on the way.
    const isSilent = this.#authority.every(({ type }) => type === nsec)
    if (used.size > 0 && isSilent && (zone === null || rcode === 0)) return 'alias'
    if (zone === null) throw new Bogus('outside of the zone', nameText(name))
    return this.#denied(name, qtype, zone)
  }

  #tooLong(name: Labels, used: ReadonlySet<Rrset>): Outcome {
    const dnameSet = this.#dnameAbove(name)
    if (dnameSet === undefined || !used.has(dnameSet)) throw new Bogus('RCODE', nameText(name))
    const octets = substituted(name, dnameSet).reduce((sum, label) => sum + 1 + label.length, 1)
    if (octets <= 255) throw new Bogus('RCODE', nameText(name))
    return 'alias'
  }

  #denied(name: Labels, qtype: number, zone: TrustedZone): Outcome {
    if (this.#cut !== null && isAtOrBelow(name, this.#cut.owner)) return this.#referral(this.#cut)
    const record = this.#message.authority.find(
      ({ owner, type }) => type === soa && isSameName(owner, zone.apex),
    )
    if (record === undefined) throw new Bogus('no SOA', nameText(name))
    this.#checkDenialTtls(record, zone)
    const denials = this.#denialsOf(zone)
    if (this.#message.rcode === 3) {
      this.#demand(proveNoName(denials, name), name)
      return 'no name'
    }
    this.#demand(proveNoData(denials, name, qtype, zone.apex), name)
    return 'no data'
  }

  /** RFC 9077 §3: aggressive caches keep a denial for its own TTL. */
  #checkDenialTtls({ ttl, rdata }: Rr, { apex }: TrustedZone): void {
    const most = Math.min(ttl, rdata.readUInt32BE(rdata.length - 4))
    const late = this.#message.authority.find(
      (record) => record.type === nsec && record.ttl > most && isAtOrBelow(record.owner, apex),
    )
    if (late !== undefined) throw new Bogus('denial outlives the SOA', setText(late))
  }

  #referral({ owner }: Rrset): Outcome {
    const isSigned = this.#authority.some((set) => set.type === ds && isSameName(set.owner, owner))
    if (isSigned) return 'signed referral'
    this.#demand(proveInsecure(this.#denialsOf(this.#zoneOf(owner)), owner), owner)
    return 'insecure referral'
  }
}
