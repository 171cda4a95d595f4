// A zone as a BIND server may have it, 48 records of 20 types, and what a server of it has to answer: as BIND reads it.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { temporaryFolder } from './server.ts'

export const walkDomain = 'walk.example.test'
export const walkFile: string = new URL('../fixtures/walk/db.walk.example.test', import.meta.url)
  .pathname

/** Records as `named-compilezone` and dig print them, but for the SOA, whose serial an import takes as the least. */
const recordsIn = (printed: string): readonly string[] =>
  printed
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '' && !line.startsWith(';') && !line.includes(' SOA '))
    .sort()

/** Its records but for the SOA, by BIND. */
export const walkRecords: readonly string[] = recordsIn(
  execFileSync('named-compilezone', ['-q', '-o', '-', walkDomain, walkFile], { encoding: 'utf8' }),
)

/** Each name with each type that it has, as `dig -f` takes them. */
export const walkQuestions: readonly string[] = [
  ...new Set(walkRecords.map((record) => record.replace(/ .* IN (\S+) .*/, ' $1'))),
]

/** A command of sh that asks all of them of a server at port 53. */
export function walkCommand(address: string): string {
  const file = join(temporaryFolder(), 'questions')
  writeFileSync(file, `${walkQuestions.join('\n')}\n`)
  const flags = '+noall +answer +nottlunits +tries=1 +time=5 +norecurse +ignore +bufsize=4096'
  return `dig @${address} ${flags} -f ${file}`
}

/** The records in what it prints. The target of a CNAME in the zone comes along with it. */
export const walkAnswers = (printed: string): readonly string[] => [...new Set(recordsIn(printed))]
