// Key files: what BIND's tools wrote, and every way in which a file can be wrong.

import { describe, expect, test } from 'vitest'

import { generatePrivateKey } from '../../src/dnssec/algorithms.ts'
import {
  keyFileName,
  keyFilePrefix,
  keyFileTexts,
  keyTimeText,
  readKeyPair,
  readKeyTime,
  type ZoneKey,
} from '../../src/dnssec/key-file.ts'
import { noTimes } from '../../src/dnssec/key-set.ts'
import { createSigningKey } from '../../src/dnssec/signing-key.ts'
import { nameToText, parseName } from '../../src/wire/name.ts'

/** Written by dnssec-keygen 9.18.49. */
const bindPublic = `; This is a key-signing key, keyid 18531, for Mail.example.com.
; Created: 20261129114441 (Sun Nov 29 11:44:41 2026)
; Publish: 20261129124441 (Sun Nov 29 12:44:41 2026)
Mail.example.com. IN DNSKEY 257 3 13 IJqUK5tmC4943uXXPoQfgyXqo2IieBUxj8WzqwHukWAJbr/AOU0tXMeJ yIFTfP2492vD03XOm7Gg0bSXw51dRg==
`
const bindPrivate = `Private-key-format: v1.3
Algorithm: 13 (ECDSAP256SHA256)
PrivateKey: R7/eekme0V0fa2pcg8uU0gQumR5g3x9Vo4+U5Bo5iIA=
Created: 20261129114441
Publish: 20261129124441
Activate: 20261129124441
Inactive: 20261130114441
Delete: 20261201114441
SyncPublish: 20261129114441
SyncDelete: 20261202114441
`
const secret = 'R7/eekme0V0fa2pcg8uU0gQumR5g3x9Vo4+U5Bo5iIA='

const octets = (text: string): Uint8Array => Buffer.from(text, 'latin1')

const read = (publicText: string, privateText: string): ReturnType<typeof readKeyPair> =>
  readKeyPair(
    { file: 'K.key', octets: octets(publicText) },
    { file: 'K.private', octets: octets(privateText) },
  )

function keyOf(publicText: string, privateText: string): ZoneKey {
  const pair = read(publicText, privateText)
  if (pair.kind === 'bad') throw new Error(pair.diagnostics.map((one) => one.message).join())
  return pair.key
}

/** `FILE:LINE code message` of each mistake. */
function mistakes(publicText: string, privateText: string): string[] {
  const pair = read(publicText, privateText)
  if (pair.kind === 'key') return []
  return pair.diagnostics.map(
    ({ file, line, code, message }) => `${file}:${line} ${code} ${message}`,
  )
}

describe('a pair of dnssec-keygen', () => {
  const key = keyOf(bindPublic, bindPrivate)

  test('is read with its times', () => {
    expect(key).toMatchObject({ algorithm: 13, flags: 257, tag: 18531 })
    expect(nameToText(key.zone)).toBe('Mail.example.com.')
    expect(key.times).toEqual({
      ...noTimes,
      createdMs: Date.UTC(2026, 10, 29, 11, 44, 41),
      publishMs: Date.UTC(2026, 10, 29, 12, 44, 41),
      activateMs: Date.UTC(2026, 10, 29, 12, 44, 41),
      inactiveMs: Date.UTC(2026, 10, 30, 11, 44, 41),
      deleteMs: Date.UTC(2026, 11, 1, 11, 44, 41),
      syncPublishMs: Date.UTC(2026, 10, 29, 11, 44, 41),
      syncDeleteMs: Date.UTC(2026, 11, 2, 11, 44, 41),
    })
  })

  test('may have a scalar without its leading zeros', () => {
    const [record, secret] = [
      'x.test. IN DNSKEY 257 3 13 qwQG5BRNRJ0EuHEWuCbaB5n3Ud6IcF6m3VAlQpFDKpJSduHb9Xcb2jUT QG5yh8Ji7tjxFZCyaBEYQCIkM+7c0Q==\n',
      'Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: a1cjLqoBUarOocNhBzsNeUpNWGKZKCvpkt/HmzXljQ==\n',
    ]
    const short = keyOf(record, secret)
    expect(short.tag).toBe(48_154)
    const written = keyFileTexts(short)
    expect(written.private.startsWith(secret)).toBe(true)
    expect(keyOf(written.public, written.private).dnskey).toEqual(short.dnskey)
  })

  test('is written as it was', () => {
    expect(keyFileTexts(key).private).toBe(bindPrivate)
    expect(keyFileName(key)).toBe('Kmail.example.com.+013+18531')
    expect(keyOf(keyFileTexts(key).public, bindPrivate).dnskey).toEqual(key.dnskey)
  })

  test('has a TTL, no class, parentheses or line ends of DOS, as other tools write', () => {
    const other = bindPublic
      .replace('IN DNSKEY', '3600 DNSKEY')
      .replace(/(\S+ \S+)\n$/, '(\n  $1 ) ; {id = 18531}')
      .replaceAll('\n', '\r\n')
    expect(other).toContain('(\r\n')
    expect(keyOf(other, bindPrivate.replaceAll('\n', '\r\n')).tag).toBe(18531)
  })

  test('of a format without times is always active, unless it could have had some', () => {
    const head = bindPrivate.split('\n').slice(0, 3).join('\n')
    expect(keyOf(bindPublic, head).times).toEqual(noTimes)
    const old = keyOf(bindPublic, head.replace('v1.3', 'v1.2')).times
    expect(old).toEqual({ ...noTimes, publishMs: 0, activateMs: 0 })
  })
})

describe('mistakes', () => {
  const changed = (from: string | RegExp, to: string): string => {
    expect(bindPrivate).toMatch(from)
    return bindPrivate.replace(from, to)
  }

  test.each([
    ['no record', '; nothing\n', 'K.key:1 bad-key no DNSKEY record in it'],
    ['two', bindPublic + bindPublic, 'K.key:8 bad-key a second record, expected one'],
    ['another type', 'a. IN KEY 1 3 13 AAAA\n', 'K.key:1 bad-key expected one record: the zone'],
    ['no owner', 'DNSKEY 257 3 13 AAAA\n', 'K.key:1 bad-key expected one record: the zone'],
    [
      'open parenthesis',
      `\n${bindPublic}(`,
      'bad-key a parenthesis is not closed, expected ) behind the last word of the record',
    ],
    ['revoked', bindPublic.replace('257', '385'), 'expected 257 or 256: the key is revoked'],
    ['no zone key', bindPublic.replace('257', '1'), 'K.key:4 bad-key flags 1, expected 257 or 256'],
    ['protocol', bindPublic.replace('257 3', '257 2'), 'K.key:4 bad-key protocol 2, expected 3'],
    ['RSA', bindPublic.replace('3 13', '3 8'), 'K.key:4 bad-key algorithm 8, expected 13'],
    ['not on the curve', bindPublic.replace('IJqU', 'IJqV'), 'the public key is not valid for'],
    ['short', bindPublic.replace('IJqU', ''), 'the public key is not valid for ECDSAP256SHA256'],
    ['no base64', bindPublic.replace('IJqU', '!!!!'), 'K.key:4 bad-key'],
  ])('in .key: %s', (_, text, expected) => {
    expect(mistakes(text, bindPrivate)).toEqual([expect.stringContaining(expected)])
  })

  test.each([
    [
      'version 2',
      changed('v1.3', 'v2.0'),
      'K.private:1 bad-key expected "Private-key-format: v1.3"',
    ],
    ['nothing', '', 'K.private:1 bad-key expected "Private-key-format: v1.3"'],
    ['RSA', changed('13 (ECDSAP256SHA256)', '8 (RSASHA256)'), 'K.private:2 bad-key algorithm 8'],
    ['no algorithm', changed(/Algorithm.*\n/, ''), 'K.private:1 bad-key algorithm is missing'],
    ['no key', changed(/PrivateKey.*\n/, ''), 'K.private:1 bad-key expected "PrivateKey:"'],
    ['short key', changed('R7/e', ''), 'K.private:3 bad-key expected "PrivateKey:"'],
    ['no field', changed('Created: ', 'Created '), 'K.private:4 bad-key expected a field'],
    ['unknown', changed('Created', 'Creatd'), 'K.private:4 bad-key unknown field "Creatd"'],
    ['twice', changed('Publish', 'Created'), 'K.private:5 bad-key a second "Created"'],
    ['no date', changed('20261130', '20260230'), 'K.private:7 bad-key expected a time in UTC'],
    ['revocation', changed('SyncDelete', 'Revoke'), 'K.private:10 bad-key revocation (RFC 5011)'],
    ['inactive first', changed('20261130', '20261128'), 'K.private:7 bad-key Inactive has to be'],
    ['deleted first', changed('20261201', '20261128'), 'K.private:8 bad-key Delete has to be'],
    ['hardware', changed('Created: 2', 'Label: 2'), 'K.private:4 bad-key the private key is in a'],
  ])('in .private: %s', (_, text, expected) => {
    const found = mistakes(bindPublic, text)
    expect(found).toEqual([expect.stringContaining(expected)])
    expect(found.join()).not.toContain(secret.slice(4, 20))
  })

  test('of two keys that do not belong together', () => {
    const other = keyFileTexts(newKey(13))
    const expected = ['K.private:0 key-pair the private key is not that of K.key']
    expect(mistakes(other.public, bindPrivate)).toEqual(expected)
    expect(mistakes(bindPublic, keyFileTexts(newKey(15)).private)).toEqual(expected)
  })

  test('in both files are told of in one go', () => {
    expect(mistakes('', '')).toHaveLength(2)
  })
})

function newKey(algorithm: 13 | 15): ZoneKey {
  const zone = parseName('mail.example.com.')
  if (zone.kind === 'bad') throw new Error(zone.why)
  const key = createSigningKey(algorithm, 256, generatePrivateKey(algorithm))
  return { ...key, zone: zone.name, times: noTimes }
}

test.each([13, 15] as const)('a new key of algorithm %i is read back as it is', (algorithm) => {
  const key = { ...newKey(algorithm), times: { ...noTimes, createdMs: 1_000, publishMs: 2_000 } }
  const texts = keyFileTexts(key)
  const { privateKey, ...again } = keyOf(texts.public, texts.private)
  expect({ ...again, privateKey: key.privateKey }).toEqual(key)
  expect(privateKey.equals(key.privateKey)).toBe(true)
})

test.each([
  ['.', 'K.+'],
  ['Mail.Example.', 'Kmail.example.+'],
  ['a/b\\.c\\032d._x-y.', 'Ka%2Fb%2Ec%20d._x-y.+'],
])('files of %s begin with %s', (text, prefix) => {
  const zone = parseName(text)
  expect(zone.kind === 'name' && keyFilePrefix(zone.name)).toBe(prefix)
})

test.each([
  ['19700101000000', 0],
  ['20261231235959', Date.UTC(2026, 11, 31, 23, 59, 59)],
  ['20260230000000', null],
  ['20261301000000', null],
  ['20260101240000', null],
  ['2026010100000', null],
  ['+0260101000000', null],
])('the time %s', (text, ms) => {
  expect(readKeyTime(text)).toBe(ms)
  if (ms !== null) expect(keyTimeText(ms + 999)).toBe(text)
})
