// Master files read without a server, and their records as lines that can be compared.

import { readMasterFile, type MasterRead } from '../../src/masterfile/read-master-file.ts'
import { nameToText, parseName } from '../../src/wire/name.ts'
import { typeToText } from '../../src/wire/rrtype.ts'
import type { MasterRecords } from '../../src/zone/compile/zone-source.ts'

/** `contentOf`: content of a file; throws where there is none. */
export function readMaster(
  name: string,
  contentOf: (name: string) => Uint8Array,
  options: { readonly maxRecords?: number } = {},
): MasterRead {
  const apex = parseName('example.')
  if (apex.kind === 'bad') throw new Error(apex.why)
  const reading = readMasterFile({ name, apex: apex.name, ttl: 12_345, ...options })
  let step = reading.next()
  while (!step.done) {
    try {
      step = reading.next({ kind: 'octets', octets: contentOf(step.value) })
    } catch {
      step = reading.next({ kind: 'refused', code: 'unreadable-file', why: 'it does not exist' })
    }
  }
  return step.value
}

/** The text of a single file. */
export const readMasterText = (
  text: string,
  options?: { readonly maxRecords?: number },
): MasterRead =>
  readMaster(
    'a.zone',
    (name) => {
      if (name !== 'a.zone') throw new Error(`no ${name}`)
      return Buffer.from(text)
    },
    options,
  )

/** `owner TTL type length hex` of every record once, sorted. */
export function recordsOf(records: MasterRecords): string[] {
  const lines = [...records.values()].flatMap(({ name, sets }) =>
    sets.flatMap(({ type, ttl, rdata }) =>
      rdata.map(({ octets }) => recordLine(nameToText(name), ttl, type, Buffer.from(octets))),
    ),
  )
  return [...new Set(lines)].sort()
}

/** A record as recordsOf has it. */
export const recordLine = (owner: string, ttl: number, type: number, rdata: Buffer): string =>
  `${owner.toLowerCase()} ${ttl} ${typeToText(type)} ${rdata.length} ${rdata.toString('hex')}`
