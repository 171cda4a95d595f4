// The validator that judges what is signed here, judged itself: by zones that dnssec-signzone signed and NSD and BIND
// serve, all of whose answers are secure, and by what is left of those answers when a little of them is changed.

import { beforeAll, describe, expect, it } from 'vitest'

import { DenialLedger } from '../support/dnssec/denial-ledger.ts'
import { type Message, type Rr, decodeMessage, encodeMessage } from '../support/dnssec/message.ts'
import { type Labels, labelsOf, wireOf } from '../support/dnssec/names.ts'
import { parseDelegationSigners, trustKeys } from '../support/dnssec/signatures.ts'
import { type Verdict, trustByDs, validate } from '../support/dnssec-validator.ts'
import { type SignedZone, delegationSigner } from '../support/signed-zone.ts'
import {
  type Answered,
  apexOf,
  below,
  cases,
  faultOf,
  foreignAnswers,
  signedZones,
} from './foreign-answers.ts'

const [a, cname, mx, txt, srv, ds, nsec, dnskey] = [1, 5, 15, 16, 33, 43, 47, 48] as const

const nowSeconds = Math.floor(Date.now() / 1000)
const answered: Answered[] = []
let signed: readonly SignedZone[]

beforeAll(async () => {
  signed = signedZones()
  answered.push(...(await foreignAnswers(signed)))
})

const judge = (
  { zone, qname, qtype }: Answered,
  response: Buffer,
  atSeconds = nowSeconds,
): Verdict => validate([zone], { qname, qtype }, response, atSeconds)

/** `secure` and the outcome, or why it is bogus. */
const wordOf = (verdict: Verdict): string =>
  verdict.kind === 'secure'
    ? verdict.outcome
    : verdict.kind === 'bogus'
      ? `bogus: ${verdict.why} at ${verdict.at}`
      : verdict.kind

const labelOf = ({ server, qname, qtype }: Answered): string => `${server} ${qname} ${qtype}`

const find = (server: string, name: string, qtype: number): Answered => {
  const qname = below(name, apexOf.ECDSAP256SHA256)
  const one = answered.find(
    (it) => it.server === server && it.qname === qname && it.qtype === qtype,
  )
  if (one === undefined) throw new Error(`${server} was not asked for ${qname} ${qtype}`)
  return one
}

it('finds every answer of NSD and BIND secure, by both algorithms, but for what they get wrong', () => {
  expect(answered).toHaveLength(cases.length * 4)
  const found = answered.map((one) => {
    const verdict = judge(one, one.response)
    return `${labelOf(one)}: ${verdict.kind === 'bogus' ? verdict.why : wordOf(verdict)}`
  })
  expect(found).toEqual(answered.map((one) => `${labelOf(one)}: ${faultOf(one) ?? one.outcome}`))
})

it('trusts the keys of a zone by its DS, and by no other', () => {
  for (const { apex, keys } of signed) {
    const one = answered.find((it) => it.qname === apex && it.qtype === dnskey) as Answered
    const trust = (text: string, atSeconds = nowSeconds): string => {
      const result = trustByDs(apex, parseDelegationSigners(text), one.response, atSeconds)
      return result.kind === 'trusted' ? `${result.zone.keys.length} keys` : result.why
    }
    const text = delegationSigner(keys)
    expect(trust(text)).toBe(`${keys.names.length} keys`)
    expect(trust(text.replace(/.$/m, (digit) => (digit === '0' ? '1' : '0')))).toBe('no such key')
    expect(trust(text, nowSeconds + 40 * 86_400)).toBe('expired')
  }
})

it('sees no denial contradict an answer, and sees one that does', () => {
  for (const server of ['NSD', 'BIND']) {
    const ledger = new DenialLedger()
    for (const one of answered) if (one.server === server) ledger.note(judge(one, one.response))
    expect(ledger.contradictions()).toEqual([])
    expect(ledger.counts().denials).toBeGreaterThan(20)
    const apex = labelsOf(apexOf.ECDSAP256SHA256)
    const made = (labels: string[], type: number): Verdict => ({
      kind: 'secure',
      outcome: 'data',
      verified: [{ owner: [...labels, ...apex], type, source: [...labels, ...apex] }],
      denials: [],
      unsignedAdditional: [],
    })
    ledger.note(made(['mx1'], txt))
    ledger.note(made(['mx1a'], a))
    ledger.note(made(['b', 'ent'], a))
    expect(ledger.contradictions()).toHaveLength(3)
  }
})

describe('changed a little', () => {
  /** Applies a change to every answer, once for each record that it knows to change, and counts the verdicts. */
  function mutants(
    change: (message: Message, record: Rr) => Message | null,
  ): Map<string, string[]> {
    const verdicts = new Map<string, string[]>()
    for (const one of answered.filter((it) => faultOf(it) === null)) {
      const message = decodeMessage(one.response)
      for (const record of [...message.answer, ...message.authority]) {
        const changed = change(message, record)
        if (changed === null) continue
        const verdict = judge(one, encodeMessage(changed))
        const word = verdict.kind === 'bogus' ? verdict.why : wordOf(verdict)
        verdicts.set(word, [
          ...(verdicts.get(word) ?? []),
          `${labelOf(one)} without ${record.type}`,
        ])
      }
    }
    return verdicts
  }

  const replace = (message: Message, replaced: (record: Rr) => Rr[]): Message => ({
    ...message,
    answer: message.answer.flatMap(replaced),
    authority: message.authority.flatMap(replaced),
  })
  const coveredBy = ({ rdata }: Rr): number => rdata.readUInt16BE(0)
  const nameOf = ({ owner }: Rr): string => owner.join('.').toLowerCase()
  const isOfDname = ({ answer }: Message): boolean => answer.some(({ type }) => type === 39)
  const isOfSet = (record: Rr, set: Rr): boolean =>
    nameOf(record) === nameOf(set) &&
    (record.type === set.type || (record.type === 46 && coveredBy(record) === set.type))

  it('is secure as it was where it is only written anew, in other letters and with lower TTLs', () => {
    const flip = (text: string): string =>
      text === text.toUpperCase() ? text.toLowerCase() : text.toUpperCase()
    const flipped = (owner: Labels): Labels => owner.map(flip)
    for (const one of answered.filter((it) => faultOf(it) === null)) {
      const message = decodeMessage(one.response)
      const written = encodeMessage(message)
      const lettered = replace(message, (record) => [{ ...record, owner: flipped(record.owner) }])
      const lower = replace(message, (record) => [{ ...record, ttl: Math.max(0, record.ttl - 60) }])
      for (const octets of [written, encodeMessage(lettered), encodeMessage(lower)])
        expect(`${labelOf(one)}: ${wordOf(judge(one, octets))}`).toBe(
          `${labelOf(one)}: ${one.outcome}`,
        )
    }
  })

  it('does not verify with an octet of a signature flipped', () => {
    const verdicts = mutants((message, record) =>
      record.type === 46
        ? replace(message, (it) => {
            if (it !== record) return [it]
            const rdata = Buffer.from(it.rdata)
            rdata.writeUInt8(rdata.readUInt8(rdata.length - 20) ^ 1, rdata.length - 20)
            return [{ ...it, rdata }]
          })
        : null,
    )
    expect([...verdicts.keys()]).toEqual(['does not verify'])
    expect(verdicts.get('does not verify')?.length).toBeGreaterThan(400)
  })

  it('lacks a signature with one taken out', () => {
    // The keys are signed twice where there are two.
    const verdicts = mutants((message, record) =>
      record.type === 46 && coveredBy(record) !== dnskey
        ? replace(message, (it) => (it === record ? [] : [it]))
        : null,
    )
    expect([...verdicts.keys()]).toEqual(['no signature'])
  })

  it('holds a signature too many with its set taken out', () => {
    const verdicts = mutants((message, record) =>
      message.authority.includes(record) || record.type === 46 || isOfDname(message)
        ? null
        : replace(message, (it) => (it.type === 46 || !isOfSet(it, record) ? [it] : [])),
    )
    expect([...verdicts.keys()]).toEqual(['signature without a set'])
  })

  it('proves nothing with an NSEC taken out', () => {
    const verdicts = mutants((message, record) =>
      record.type === nsec && message.authority.includes(record)
        ? replace(message, (it) => (isOfSet(it, record) ? [] : [it]))
        : null,
    )
    expect([...verdicts.keys()].sort()).toEqual(['name is not denied', 'wildcard is not denied'])
  })

  it('is not what NSECs of other names say', () => {
    const spare = decodeMessage(find('NSD', '_tcp', srv).response).authority.filter(
      (record) => record.type === nsec || (record.type === 46 && coveredBy(record) === nsec),
    )
    const verdicts = mutants((message, record) =>
      record.type === nsec &&
      message.authority.includes(record) &&
      nameOf(record).endsWith('p256.test') &&
      !message.authority.some((it) => isOfSet(it, spare[0] as Rr))
        ? {
            ...message,
            authority: [...message.authority.filter((it) => !isOfSet(it, record)), ...spare],
          }
        : null,
    )
    expect([...verdicts.keys()].sort()).toEqual(['name is not denied', 'wildcard is not denied'])
  })

  it('is refused with a TTL above the original, or other than that of the signature', () => {
    const above = mutants((message, record) =>
      record.type === 46 && coveredBy(record) !== dnskey
        ? replace(message, (it) =>
            it === record || (isOfSet(record, it) && it.type === coveredBy(record))
              ? [{ ...it, ttl: record.rdata.readUInt32BE(4) + 1 }]
              : [it],
          )
        : null,
    )
    expect([...above.keys()]).toEqual(['TTL above the original'])
    const other = mutants((message, record) =>
      record.type === 46
        ? replace(message, (it) => (it === record ? [{ ...it, ttl: it.ttl - 1 }] : [it]))
        : null,
    )
    expect([...other.keys()]).toEqual(['TTLs differ'])
  })

  it('is refused with a denial that outlives the SOA', () => {
    const one = find('NSD', 'mx1', mx)
    const shorter = replace(decodeMessage(one.response), (record) => {
      const isOfSoa = record.type === 6 || (record.type === 46 && coveredBy(record) === 6)
      return [isOfSoa ? { ...record, ttl: record.ttl - 1 } : record]
    })
    expect(judge(one, encodeMessage(shorter))).toMatchObject({ why: 'denial outlives the SOA' })
  })

  it('does not verify with a record added or changed', () => {
    const added = mutants((message, record) =>
      record.type === a && message.answer.includes(record)
        ? {
            ...message,
            answer: [...message.answer, { ...record, rdata: Buffer.of(192, 0, 2, 99) }],
          }
        : null,
    )
    expect([...added.keys()]).toEqual(['does not verify'])
    const bitmap = mutants((message, record) =>
      record.type === nsec
        ? replace(message, (it) => {
            if (it !== record) return [it]
            const rdata = Buffer.from(it.rdata)
            rdata.writeUInt8(rdata.readUInt8(rdata.length - 1) ^ 1, rdata.length - 1)
            return [{ ...it, rdata }]
          })
        : null,
    )
    expect([...bitmap.keys()]).toEqual(['does not verify'])
  })

  it('is too old a month later, and too new two hours before', () => {
    for (const one of answered) {
      expect(wordOf(judge(one, one.response, nowSeconds + 31 * 86_400))).toContain('bogus: expired')
      expect(wordOf(judge(one, one.response, nowSeconds - 7200))).toContain('bogus: not yet valid')
    }
  })

  it('has no such key where others are trusted, and another apex where the zone is another', () => {
    const one = find('BIND', 'mx1', a)
    const stranger = trustKeys(apexOf.ECDSAP256SHA256, '')
    const parent = { ...one.zone, apex: labelsOf('test.') }
    expect(wordOf(judge({ ...one, zone: stranger }, one.response))).toContain('no such key')
    expect(wordOf(judge({ ...one, zone: parent }, one.response))).toContain(
      'signer is not the apex',
    )
  })

  const why = (one: Answered, message: Message): string => {
    const verdict = judge(one, encodeMessage(message))
    return verdict.kind === 'bogus' ? verdict.why : wordOf(verdict)
  }

  it('is refused with another RCODE', () => {
    for (const server of ['NSD', 'BIND']) {
      const changed = (name: string, qtype: number, rcode: number): string => {
        const one = find(server, name, qtype)
        return why(one, { ...decodeMessage(one.response), rcode })
      }
      expect(changed('mx1', a, 3)).toBe('RCODE')
      expect(changed('mx1', mx, 3)).toBe('name exists')
      expect(changed('ent', a, 3)).toBe('name exists')
      if (server === 'NSD') expect(changed('any.starent', a, 3)).toBe('name exists')
      expect(changed('any.wild', txt, 3)).toBe('name exists')
      expect(changed('zzzz', a, 0)).toBe('wildcard is not denied')
      expect(changed('mx1', a, 2)).toBe('RCODE')
    }
  })

  /** The answer to one question as if it were that to another one. */
  const replayed = (one: Answered, name: string, qtype: number): string => {
    const qname = below(name, apexOf.ECDSAP256SHA256)
    const message = decodeMessage(one.response)
    const renamed = (record: Rr): Rr =>
      record.owner.join('.') === labelsOf(one.qname).join('.')
        ? { ...record, owner: labelsOf(qname) }
        : record
    return why(
      { ...one, qname, qtype },
      {
        ...message,
        question: { qname: labelsOf(qname), qtype },
        answer: message.answer.map(renamed),
      },
    )
  }

  it('does not answer another question', () => {
    expect(replayed(find('NSD', 'any.wild', a), 'other.wild', a)).toBe('data')
    expect(replayed(find('NSD', 'any.wild', a), 'zoo.wild', a)).toBe('name is not denied')
    expect(replayed(find('NSD', 'any.wild', a), 'there.wild', a)).toBe('name is not denied')
    expect(replayed(find('NSD', 'any.wild', a), 'mx1', a)).toBe('does not verify')
    expect(replayed(find('NSD', 'any.wild', a), '', a)).toBe('too many labels')
    expect(replayed(find('NSD', 'mx1', a), 'mx2', a)).toBe('does not verify')
    expect(replayed(find('NSD', 'mx1a', a), 'mx1', a)).toBe('name is not denied')
    expect(replayed(find('NSD', '0', a), '', a)).toBe('name exists')
    expect(replayed(find('NSD', 'mx1', mx), 'mx1', txt)).toBe('no data')
    expect(replayed(find('NSD', 'mx1', mx), 'mx1', a)).toBe('type exists')
    expect(replayed(find('NSD', 'alias', mx), 'alias', mx)).toBe('no data')
    expect(replayed(find('NSD', 'open', ds), 'open', a)).toBe('name is delegated')
    expect(replayed(find('NSD', 'open', ds), 'www.open', a)).toBe('name is not denied')
  })

  it('refuses what was not asked for, signed glue, and aliases that lead elsewhere', () => {
    const one = find('NSD', 'mx1', a)
    const message = decodeMessage(one.response)
    const other = decodeMessage(find('BIND', 'svc', 64).response).answer
    expect(why(one, { ...message, answer: [...message.answer, ...other] })).toBe('not asked for')
    expect(why(one, { ...message, opt: null, isTruncated: true })).toBe('truncated')
    const referral = decodeMessage(find('NSD', 'open', mx).response)
    const signature = message.answer.find(({ type }) => type === 46) as Rr
    const glue = referral.additional.map(({ owner }) => ({ ...signature, owner }))
    expect(
      why(find('NSD', 'open', mx), { ...referral, additional: [...referral.additional, ...glue] }),
    ).toBe('signed below a cut')
    const tree = find('NSD', 'x.tree', a)
    const elsewhere = replace(decodeMessage(tree.response), (record) =>
      record.type === cname
        ? [{ ...record, rdata: Buffer.from(wireOf(labelsOf('x.test'))) }]
        : [record],
    )
    expect(why(tree, elsewhere)).toBe('alias leads elsewhere')
  })
})
