// The records of a plan as text, as dig would show them.

import type { PlanEntry } from '../answer/plan.ts'
import { nameToText } from '../wire/name.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { typeToText } from '../wire/rrtype.ts'
import type { Question } from './question.ts'

/** Of the answer section: owner, TTL, type and data. */
export const answerRecords = (
  question: Question,
  entries: readonly PlanEntry[],
): readonly string[] =>
  entries
    .filter(({ section }) => section === 'answer')
    .flatMap((entry) => {
      const owner = nameToText(entry.owner ?? question.name)
      return dataTexts(entry).map(
        (data) => `${owner} ${entry.ttl} ${typeToText(entry.type)} ${data}`,
      )
    })

const dataTexts = ({ type, rdata, rungs, addresses }: PlanEntry): readonly string[] => [
  ...rdata.map(({ octets }) => formatRdata(type, octets)),
  ...rungs.map(({ preference, target }) => `${preference} ${nameToText(target.owner)}`),
  ...addresses.map(({ address }) => address.text),
]
