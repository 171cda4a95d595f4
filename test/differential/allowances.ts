// The differences from NSD and BIND that are none: what each of them does that the RFCs leave open, or do not want.

import type { AnswerView, SetView } from './answer-view.ts'
import type { Allowance } from './compare.ts'
import type { Question } from './questions.ts'

const anyType = 255
const soaType = 6
const wantedSize = 1232

export const allowances: readonly Allowance[] = [
  {
    name: 'CD copied',
    because: 'an authoritative answer should have CD clear (RFC 4035 §3.1.6); BIND copies it',
    forgive: (ours, theirs) =>
      theirs.flags.includes('cd') && !ours.flags.includes('cd')
        ? { ...theirs, flags: theirs.flags.filter((flag) => flag !== 'cd') }
        : theirs,
  },
  {
    name: 'glue cut without TC',
    because:
      'glue of in-domain servers must all be there, or TC (RFC 9471 §3.1); they leave it out',
    forgive(ours, theirs, question) {
      const isReferral = theirs.authority.some(({ id }) => id.endsWith(' TYPE2'))
      const isCut = ours.flags.includes('tc') && !theirs.flags.includes('tc')
      if (!isReferral || !isCut || roomLeft(theirs, question) > 28) return theirs
      return { ...theirs, flags: ours.flags, additional: ours.additional }
    },
  },
  {
    name: 'NS beside the answer',
    because:
      'not needed (RFC 1034 §4.3.2 step 4 asks for them, RFC 9471 §1 and BIND by choice do without); NSD adds them',
    forgive(ours, theirs) {
      if (ours.authority.length > 0 || ours.answer.length === 0) return theirs
      const [set, ...others] = theirs.authority
      if (!set || others.length > 0 || !set.id.endsWith(' TYPE2')) return theirs
      const servers = set.text.split(' ').filter((word) => word.endsWith('.'))
      const additional = theirs.additional.filter(
        (one) => has(ours.additional, one) || !servers.some((server) => isOf(one, server)),
      )
      return { ...theirs, authority: [], additional }
    },
  },
  {
    name: 'ANY answered by one set',
    because: 'a subset will do (RFC 8482 §4.1); BIND gives every set, NSD chooses another',
    forgive(ours, theirs, { type }) {
      const [mine, ...more] = ours.answer
      const isSubset = mine !== undefined && more.length === 0 && theirs.answer.length > 0
      if (type !== anyType || !isSubset || ownerOf(mine) !== ownerOf(theirs.answer[0] as SetView))
        return theirs
      return { ...theirs, ...sectionsOf(ours), flags: theirs.flags.filter((flag) => flag !== 'tc') }
    },
  },
  {
    name: 'TTL 0 of the SOA for SOA',
    because:
      'caches may keep that there is no SOA as any other answer (RFC 2308 §5); BIND prevents it',
    forgive(ours, theirs, { type }) {
      const [mine] = ours.authority
      const [its] = theirs.authority
      if (type !== soaType || !mine || !its || mine.id !== its.id) return theirs
      const isTheTtlAlone =
        its.text.replace(`${its.id} 0 `, '') === mine.text.replace(/^(\S+ \S+ )\d+ /, '')
      return isTheTtlAlone ? { ...theirs, authority: ours.authority } : theirs
    },
  },
  {
    name: 'chain cut after seventeen aliases',
    because: 'no RFC says how long one may be; NSD follows any, BIND gives SERVFAIL after eleven',
    forgive(ours, theirs) {
      const isPrefix = ours.answer.every(({ text }, i) => theirs.answer[i]?.text === text)
      const aliases = ours.answer.filter(({ id }) => id.endsWith(' TYPE5'))
      if (!isPrefix || aliases.length !== 17 || ours.authority.length > 0) return theirs
      return { ...theirs, ...sectionsOf(ours), rcode: ours.rcode }
    },
  },
  {
    name: 'question left out of a refusal',
    because:
      'clients match answers by their question (RFC 5452 §9.1); NSD leaves it out for classes but IN',
    forgive: (ours, theirs, { class: rrClass = 1 }) =>
      rrClass !== 1 && theirs.rcode === 5 && theirs.question === ''
        ? { ...theirs, question: ours.question }
        : theirs,
  },
  {
    name: 'address out of a wildcard, with DO',
    because:
      'additional data comes out of wildcards too (RFC 4592 §3.3.1); with DO, BIND leaves it out, and NSD gives it another owner',
    forgive(ours, theirs, { kind }) {
      const extra = ours.additional.filter((set) => !has(theirs.additional, set))
      return kind.dnssecOk && extra.length > 0 && theirs.additional.length === 0
        ? { ...theirs, additional: ours.additional }
        : theirs
    },
  },
  {
    name: 'additional as room allows',
    because: 'which of the optional addresses fill the last octets is open (RFC 2181 §9)',
    forgive(ours, theirs, question) {
      const missing = theirs.additional.filter((set) => !has(ours.additional, set))
      const extra = ours.additional.filter((set) => !has(theirs.additional, set))
      if (missing.length + extra.length === 0) return theirs
      const fitsOurs = missing.some((set) => leastOctets(set) <= roomLeft(ours, question))
      // What did not go in whole may be left out whole.
      const isLeftOut = theirs.additional.length === 0 && roomLeft(ours, question) < 28
      const fitsTheirs =
        !isLeftOut && extra.some((set) => leastOctets(set) <= roomLeft(theirs, question))
      return fitsOurs || fitsTheirs ? theirs : { ...theirs, additional: ours.additional }
    },
  },
]

const sectionsOf = ({ answer, authority, additional }: AnswerView): Partial<AnswerView> => ({
  answer,
  authority,
  additional,
})

const has = (sets: readonly SetView[], { text }: SetView): boolean =>
  sets.some((set) => set.text === text)
const ownerOf = ({ id }: SetView): string => id.slice(0, id.lastIndexOf(' '))
const isOf = (set: SetView, owner: string): boolean => ownerOf(set) === owner

function roomLeft({ octets }: AnswerView, { kind }: Question): number {
  const limit = kind.edns === null ? 512 : Math.min(Math.max(kind.edns, 512), wantedSize)
  return (kind.transport === 'tcp' ? 65_535 : limit) - octets
}

/** Of a set of addresses whose owner was named before: a pointer, ten octets, and the address. */
const leastOctets = ({ id, text }: SetView): number =>
  text.split(' | ').length * (12 + (id.endsWith(' TYPE1') ? 4 : 16))
