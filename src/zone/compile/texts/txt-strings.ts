// The strings of TXT records (RFC 1035 §3.3.14), which receivers join without anything between (RFC 7208 §3.3, RFC 6376
// §3.6.2.2), and what word processors make of the quotes around them.

import type { Rdata } from '../../../wire/rdata/rdata.ts'

/** The strings of valid rdata, a character for each octet. */
export function stringsOf({ octets }: Rdata): readonly string[] {
  const strings: string[] = []
  for (let at = 0; at < octets.length; at += 1 + (octets[at] ?? 0)) {
    const end = at + 1 + (octets[at] ?? 0)
    strings.push(Buffer.from(octets.subarray(at + 1, end)).toString('latin1'))
  }
  return strings
}

/** Whether a TXT record is an SPF record, or seems to be meant as one. For zones of a million records: looks at the octets. */
export function beginsAsSpf({ octets }: Rdata): boolean {
  const [, v = 0, equals, s = 0, p = 0, f = 0] = octets
  return (
    (v | 32) === 0x76 &&
    equals === 0x3d &&
    (s | 32) === 0x73 &&
    (p | 32) === 0x70 &&
    (f | 32) === 0x66
  )
}

const wordQuote = /[\u2018\u2019\u201a-\u201f\u00ab\u00bb]/g

/** Texts that programs read: no quote of a word processor is ever right in them. */
const forPrograms = /^[^a-z]*v=(?:spf1|dkim1|dmarc1|stsv1|tlsrptv1|bimi1)\b/i

/** The text that is meant, where quotes of a word processor stand around it or in what a program reads; else null. */
export function withoutWordQuotes(rdata: Rdata): string | null {
  // All of them begin with an octet above 0xc1 in UTF-8.
  if (!rdata.octets.some((octet) => octet === 0xe2 || octet === 0xc2)) return null
  const text = Buffer.from(stringsOf(rdata).join(''), 'latin1').toString('utf8')
  const isAround = text.length > 1 && isWordQuote(text[0]) && isWordQuote(text.at(-1))
  return isAround || (text.search(wordQuote) >= 0 && forPrograms.test(text))
    ? text.replace(wordQuote, '')
    : null
}

const isWordQuote = (character = ''): boolean => character.search(wordQuote) >= 0
