// What a zone answers to who evaluates its SPF records. A steered set of which an answer has but a part is not known: whom
// it names changes with health, place and chance.

import { formatAddress } from '../../../lib/ip.ts'
import type { SpfAnswer, SpfQuestion } from '../../../spf/check-host.ts'
import type { SteeredSet, Target } from '../../../steer/policy.ts'
import { isAtOrBelow, keyOfName, type Name, nameToBareText, parseName } from '../../../wire/name.ts'
import { namesInRdata } from '../../../wire/rdata/names.ts'
import type { Rdata } from '../../../wire/rdata/rdata.ts'
import { RRType } from '../../../wire/rrtype.ts'
import { lookupInZone } from '../../lookup.ts'
import { membersOf } from '../../policy-members.ts'
import type { RRset, Zone } from '../../zone.ts'
import { stringsOf } from '../texts/txt-strings.ts'

/** `elsewhere`: the zone does not have the name, or gives it away. */
export type SpfSet = RRset | SteeredSet | 'none' | 'elsewhere'

export interface SpfAnswers {
  answer(question: SpfQuestion): SpfAnswer
  /** The set of a name, at the end of its aliases. `name`: without final dot. */
  setAt(name: string, type: 'A' | 'AAAA' | 'MX' | 'TXT'): SpfSet
}

const maxAliases = 8

/** Answers that are kept; others are found again. */
const maxKnown = 100_000

export function createSpfAnswers(zone: Zone): SpfAnswers {
  const answers = new Map<string, SpfAnswer>()
  const setAt: SpfAnswers['setAt'] = (name, type) => {
    const parsed = parseName(`${name}.`)
    return parsed.kind === 'bad' ? 'none' : findSet(zone, parsed.name, RRType[type])
  }
  return {
    setAt,
    answer({ type, name }) {
      if (type === 'PTR') return { kind: 'unknown' }
      const key = `${type} ${name}`
      const known = answers.get(key)
      if (known) return known
      const answer = answerOf(setAt(name, type))
      if (answers.size < maxKnown) answers.set(key, answer)
      return answer
    },
  }
}

function findSet(zone: Zone, name: Name, type: number): SpfSet {
  let at = name
  for (let aliases = 0; aliases <= maxAliases; aliases++) {
    const key = keyOfName(at)
    if (!isAtOrBelow(key, zone.apexKey)) return 'elsewhere'
    const found = lookupInZone(zone, key, type)
    if (found.kind === 'found') return found.set
    if (found.kind === 'nodata' || found.kind === 'nxdomain') return 'none'
    const [target] = found.kind === 'alias' ? found.cname.rdata : []
    const next = target && namesInRdata(RRType.CNAME, target)[0]?.name
    if (!next) return 'elsewhere'
    at = next
  }
  return 'none'
}

function answerOf(set: SpfSet): SpfAnswer {
  if (set === 'none') return { kind: 'none' }
  if (set === 'elsewhere') return { kind: 'unknown' }
  const data = dataOf(set)
  return data === null ? { kind: 'unknown' } : { kind: 'found', data }
}

/** What every answer has; null: answers differ. */
function dataOf(set: RRset | SteeredSet): readonly string[] | null {
  switch (set.kind) {
    case 'plain':
      return set.rdata.flatMap((rdata) => dataOfRecord(set.type, rdata))
    case 'steered-mx': {
      const names = membersOf(set.policy).map(({ target }) => nameToBareText(target.owner))
      const distinct = [...new Set(names)]
      return distinct.length > 1 ? null : distinct
    }
    case 'steered-address':
    case 'exchange-slot':
      return onlyAddress(
        set.type,
        membersOf(set.policy).map(({ target }) => target),
      )
    case 'target-address':
      return onlyAddress(set.type, [set.target])
    case 'steered-srv':
      return null
    default:
      return set satisfies never
  }
}

function dataOfRecord(type: number, rdata: Rdata): readonly string[] {
  if (type === RRType.TXT) return [stringsOf(rdata).join('')]
  if (type !== RRType.MX) return [formatAddress(rdata.octets)]
  return namesInRdata(type, rdata).map(({ name }) => nameToBareText(name))
}

function onlyAddress(type: number, targets: readonly Target[]): readonly string[] | null {
  const family = type === RRType.A ? 4 : 6
  const addresses = targets.flatMap((target) => target.addresses)
  const texts = new Set(addresses.filter((one) => one.family === family).map(({ text }) => text))
  return texts.size > 1 ? null : [...texts]
}
