// One record of a transfer in its message.

import { RRClass } from '../../wire/rrtype.ts'
import { patch16, put16, put32, putName, putOctets, type MessageWriter } from '../../wire/writer.ts'
import type { Rdata } from '../../wire/rdata/rdata.ts'
import type { TransferRecord } from './transfer-records.ts'

/** Case counts in a transfer, so owner names are compressed only where it is the same (RFC 5936 §3.4). */
export function putRecord(
  writer: MessageWriter,
  { owner, type, ttl, rdata }: TransferRecord,
): void {
  putName(writer, owner, 0, 'exact')
  put16(writer, type)
  put16(writer, RRClass.IN)
  put32(writer, ttl)
  const lengthAt = writer.at
  put16(writer, 0)
  putRdata(writer, rdata)
  if (!writer.full) patch16(writer, lengthAt, writer.at - lengthAt - 2)
}

function putRdata(writer: MessageWriter, { octets, compressible }: Rdata): void {
  let done = 0
  for (const nameAt of compressible) {
    putOctets(writer, octets, done, nameAt)
    done = nameAt + putName(writer, octets, nameAt, 'exact')
  }
  putOctets(writer, octets, done, octets.length)
}
