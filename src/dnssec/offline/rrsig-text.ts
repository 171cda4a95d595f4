// RRSIG in presentation form (RFC 4034 §3.2). Zone files cannot have it (`wire/rdata/layouts.ts`): only the keys' response does.

import { nameToText, parseName } from '../../wire/name.ts'
import { readUint16, writeUint16 } from '../../wire/octets.ts'
import { nameEnd } from '../../wire/rdata/name-field.ts'
import { fromBase64, toBase64 } from '../../wire/rdata/base64.ts'
import { typeFromText, typeToText } from '../../wire/rrtype.ts'
import { keyTimeText, readKeyTime } from '../key-file.ts'

/** Octets of the rdata before the signer's name. */
const headOctets = 18
const fieldsBeforeSignature = 8

/** The rdata; a text says what is wrong. */
export function parseRrsig(words: readonly string[]): Uint8Array | string {
  const [covered = '', algorithm = '', labels = '', ttl = '', ...rest] = words
  const [expiration = '', inception = '', tag = '', signerText = ''] = rest
  const type = typeFromText(covered)
  if (type === undefined) return `"${covered}" is no type of records`
  const numbers = [algorithm, labels, ttl, tag]
  if (numbers.some((text) => !/^\d{1,10}$/.test(text)))
    return 'expected type, algorithm, labels, TTL, two times, key tag, signer and signature'
  const times = [expiration, inception].map(readTime)
  if (times.includes(null)) return 'expected two times in UTC as YYYYMMDDHHMMSS'
  const signer = parseName(signerText)
  if (signer.kind === 'bad') return `the signer: ${signer.why}`
  const signature = fromBase64(words.slice(fieldsBeforeSignature).join(''))
  if (signature === null || signature.length === 0) return 'the signature is not in base64'
  const rdata = new Uint8Array(headOctets + signer.name.length + signature.length)
  const view = new DataView(rdata.buffer)
  view.setUint16(0, type)
  view.setUint8(2, Number(algorithm))
  view.setUint8(3, Number(labels))
  view.setUint32(4, Number(ttl))
  view.setUint32(8, times[0] as number)
  view.setUint32(12, times[1] as number)
  writeUint16(rdata, 16, Number(tag))
  rdata.set(signer.name, headOctets)
  rdata.set(signature, headOctets + signer.name.length)
  return rdata
}

/** Seconds since 1970, of either form of RFC 4034 §3.2; null: it is no time. */
function readTime(text: string): number | null {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  const ms = readKeyTime(text)
  return ms === null ? null : ms / 1000
}

/** The text of valid rdata. */
export function formatRrsig(rdata: Uint8Array): string {
  const view = new DataView(rdata.buffer, rdata.byteOffset, rdata.length)
  const end = nameEnd(rdata, headOctets) ?? rdata.length
  return [
    typeToText(view.getUint16(0)),
    view.getUint8(2),
    view.getUint8(3),
    view.getUint32(4),
    keyTimeText(view.getUint32(8) * 1000),
    keyTimeText(view.getUint32(12) * 1000),
    readUint16(rdata, 16),
    nameToText(rdata.subarray(headOctets, end)),
    toBase64(rdata.subarray(end)),
  ].join(' ')
}
