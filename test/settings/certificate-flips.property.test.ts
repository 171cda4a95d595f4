// One flipped bit anywhere in a certificate or its key: the pair is taken, and everything that is done with it works,
// or it is refused with a diagnostic. Never an exception.

import { createSecureContext } from 'node:tls'
import { describe, expect, it } from 'vitest'

import { logCertificateLoad } from '../../src/app/event-sources.ts'
import { createLog } from '../../src/app/log.ts'
import { checkPair } from '../../src/settings/certificate.ts'
import { makeCertificate } from '../support/certificate.ts'
import { runs } from '../support/runs.ts'

const files = { certificate: 'certificate.pem', key: 'key.pem' }
const { certificate, key } = makeCertificate('flipped.test').pair
const log = createLog('fatal', 'test', { write: () => true })

/** What becomes of a pair that is read at a reload; throws as the server would. */
function takeOver(pair: { readonly certificate: string; readonly key: string }): string {
  const read = checkPair(files, pair.certificate, pair.key)
  if (read.kind === 'bad') {
    logCertificateLoad(log, read, 'test')
    return read.diagnostic.code
  }
  expect(Number.isFinite(read.certificate.expiresAtSeconds)).toBe(true)
  logCertificateLoad(log, { kind: 'renewed', certificate: read.certificate }, 'test')
  createSecureContext({ cert: pair.certificate, key: pair.key, minVersion: 'TLSv1.2' })
  return 'taken'
}

const derOf = (pem: string): Buffer => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')

const pemOf = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${der.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`

const flipped = (octets: Buffer, bit: number): Buffer => {
  const copy = Buffer.from(octets)
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

/** Every bit where properties run in full, else evenly spread ones. */
function outcomesOf(octets: Buffer, takeOver: (octets: Buffer) => string): Map<string, number> {
  const bits = 8 * octets.length
  const step = bits / Math.min(bits, runs(bits))
  const counts = new Map<string, number>()
  for (let at = 0; at < bits; at += step) {
    const outcome = takeOver(flipped(octets, Math.floor(at)))
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  }
  return counts
}

const isKnown = (counts: Map<string, number>): boolean =>
  [...counts.keys()].every((outcome) => ['taken', 'bad-certificate'].includes(outcome))

describe('each bit flipped', () => {
  it('the pair itself is taken', () => expect(takeOver({ certificate, key })).toBe('taken'))

  it('of the certificate', () => {
    const counts = outcomesOf(derOf(certificate), (der) =>
      takeOver({ certificate: pemOf('CERTIFICATE', der), key }),
    )
    // The signature of a certificate is not checked by who sends it: a flip in it changes nothing here.
    expect([...counts.keys()].sort()).toEqual(['bad-certificate', 'taken'])
  })

  it('of the key', () => {
    const counts = outcomesOf(derOf(key), (der) =>
      takeOver({ certificate, key: pemOf('PRIVATE KEY', der) }),
    )
    expect(isKnown(counts)).toBe(true)
  })

  it('of the text of either', () => {
    const decode = (octets: Buffer): string => new TextDecoder().decode(octets)
    const ofCertificate = outcomesOf(Buffer.from(certificate), (text) =>
      takeOver({ certificate: decode(text), key }),
    )
    const ofKey = outcomesOf(Buffer.from(key), (text) =>
      takeOver({ certificate, key: decode(text) }),
    )
    expect([ofCertificate, ofKey].every(isKnown)).toBe(true)
  })
})

describe('dates', () => {
  const der = derOf(certificate)
  // UTCTime of 13 octets: notBefore, then notAfter.
  const tag = Buffer.from([0x17, 13])
  const before = der.indexOf(tag) + 2
  const after = der.indexOf(tag, before) + 2
  const withDates = (notBefore: string, notAfter: string): string => {
    const copy = Buffer.from(der)
    copy.write(notBefore, before, 'latin1')
    copy.write(notAfter, after, 'latin1')
    return pemOf('CERTIFICATE', copy)
  }
  const now = der.toString('latin1', before, before + 13)

  it.each([
    ['of month 13', now, '271301000000Z', 'bad-certificate'],
    ['of month 0', now, '270001000000Z', 'bad-certificate'],
    ['of letters', now, 'ZZZZZZZZZZZZZ', 'bad-certificate'],
    ['of NUL', now, '\0'.repeat(13), 'bad-certificate'],
    ['of hour 25', now, '270101250000Z', 'bad-certificate'],
    ['of day 0', now, '270100000000Z', 'bad-certificate'],
    ['without a zone', now, '2701010000000', 'bad-certificate'],
    ['in 1950', now, '500101000000Z', 'taken'],
    ['in 2049', now, '491231235959Z', 'taken'],
    ['that end before they begin', '300101000000Z', '290101000000Z', 'taken'],
    ['that begin in letters', 'ZZZZZZZZZZZZZ', now, 'taken'],
  ])('%s', (_, notBefore, notAfter, outcome) => {
    expect(now).toMatch(/^\d{12}Z$/)
    expect(takeOver({ certificate: withDates(notBefore, notAfter), key })).toBe(outcome)
  })

  it('of thousands of years', () => {
    expect(takeOver(makeCertificate('old.test', 2_900_000).pair)).toBe('taken')
  })
})
