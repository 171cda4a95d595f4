// What is imported, as the reader of master files has it: files of another server, and a zone that was transferred, which
// is written as a master file of a record a line, so that one reader judges both.

import type { MasterContent, MasterRead } from '../masterfile/read-master-file.ts'
import { readMasterFile } from '../masterfile/read-master-file.ts'
import { type Name, nameToText } from '../wire/name.ts'
import { formatRdata } from '../wire/rdata/format.ts'
import { typeToText } from '../wire/rrtype.ts'

/** Of records before any TTL is stated, where BIND would refuse the file or take that of the SOA. */
const ttlWithoutAny = 3600

/** `open` reads a file by its name as the file or an `$INCLUDE` gives it. */
export async function readMasterSource(
  name: string,
  apex: Name,
  open: (name: string) => Promise<MasterContent>,
): Promise<MasterRead> {
  const reading = readMasterFile({ name, apex, ttl: ttlWithoutAny, isForeign: true })
  let step = reading.next()
  while (!step.done) step = reading.next(await open(step.value))
  return step.value
}

export interface TransferredRecord {
  readonly name: Name
  readonly type: number
  readonly ttlSeconds: number
  /** Names in it are uncompressed. */
  readonly rdata: Uint8Array
}

/** `name` stands for the transfer in messages. */
export function readTransferSource(
  name: string,
  apex: Name,
  records: readonly TransferredRecord[],
): Promise<MasterRead> {
  const octets = Buffer.from(records.map(recordLine).join(''))
  return readMasterSource(name, apex, () => Promise.resolve({ kind: 'octets', octets }))
}

/** A TTL with the top bit set counts as zero (RFC 2181 §8). */
function recordLine({ name, type, ttlSeconds, rdata }: TransferredRecord): string {
  const ttl = ttlSeconds < 2 ** 31 ? ttlSeconds : 0
  return `${nameToText(name)} ${ttl} IN ${typeToText(type)} ${formatRdata(type, rdata)}\n`
}
