// Certificate and key as a pair: taken over whole, or not at all.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, it } from 'vitest'

import {
  readCertificate,
  createCertificateKeeper,
  watchCertificate,
} from '../../src/settings/certificate.ts'
import { watchFiles } from '../../src/zonefile/watch-files.ts'
import { fixedClock } from '../support/ask-catalog.ts'
import { makeCertificate, replaceFile } from '../support/certificate.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const fixture = (text: string): string => {
  const file = join(temporaryFolder(), 'file.pem')
  writeFileSync(file, text)
  return file
}

describe('a pair', () => {
  const one = makeCertificate('one.test')
  const other = makeCertificate('other.test')

  it('that fits is read, with the time it expires', async () => {
    const read = await readCertificate(one)
    const end = execFileSync('openssl', ['x509', '-in', one.certificate, '-noout', '-enddate'])
    const expiresAtSeconds = Date.parse(String(end).replace('notAfter=', '')) / 1000
    expect(read).toEqual({ kind: 'certificate', certificate: { pair: one.pair, expiresAtSeconds } })
  })

  it.each([
    ['whose key is another’s', one.certificate, other.key, 'key', 'the key is not that of'],
    [
      'whose files are swapped',
      one.key,
      one.certificate,
      'certificate',
      'no certificate in PEM form',
    ],
    ['of garbage', fixture('garbage'), one.key, 'certificate', 'no certificate in PEM form'],
    ['with an empty key', one.certificate, fixture(''), 'key', 'no private key'],
    [
      'without a file',
      join(temporaryFolder(), 'none.pem'),
      one.key,
      'certificate',
      'it does not exist',
    ],
  ] as const)(
    '%s gives a diagnostic that names the file',
    async (_, certificate, key, culprit, message) => {
      const read = await readCertificate({ certificate, key })
      expect(read).toMatchObject({
        kind: 'bad',
        diagnostic: {
          file: { certificate, key }[culprit],
          message: expect.stringContaining(message) as string,
        },
      })
      expect(JSON.stringify(read)).not.toContain('PRIVATE')
    },
  )

  it('with a passphrase gives a diagnostic, not a prompt at the terminal', async () => {
    const locked = join(temporaryFolder(), 'locked.pem')
    execFileSync('openssl', [
      'pkey',
      '-in',
      one.key,
      '-aes128',
      '-passout',
      'pass:secret',
      '-out',
      locked,
    ])
    expect(await readCertificate({ certificate: one.certificate, key: locked })).toMatchObject({
      kind: 'bad',
    })
  })
})

it('the keeper keeps the old pair while the new one is broken, and reports when it changed', async () => {
  const files = makeCertificate('first.test')
  const next = makeCertificate('next.test')
  const keeper = createCertificateKeeper(files, fixedClock)
  expect((await keeper.load()).kind).toBe('renewed')
  expect((await keeper.load()).kind).toBe('same')
  replaceFile(next.certificate, files.certificate)
  expect((await keeper.load()).kind).toBe('bad')
  expect(keeper.current()?.pair).toEqual(files.pair)
  expect(keeper.lastReload()).toEqual({ successful: false, successAtSeconds: 1_700_000_000 })
  replaceFile(next.key, files.key)
  expect((await keeper.load()).kind).toBe('renewed')
  expect(keeper.current()?.pair).toEqual(next.pair)
  expect(keeper.lastReload().successful).toBe(true)
})

it('a change of either file calls back, a change of other files does not', async () => {
  const files = makeCertificate('watched.test')
  const next = makeCertificate('next.test')
  let calls = 0
  const watch = await watchCertificate(files, () => calls++)
  // Of every file in the folder: set up later, it is reported later.
  let noticed = 0
  const any = await watchFiles(
    dirname(files.key),
    () => true,
    () => noticed++,
  )
  try {
    writeFileSync(`${files.key}.backup`, 'beside')
    await until(() => noticed > 0, { what: 'a notice of the file beside', withinMs: 30_000 })
    expect(calls).toBe(0)
    replaceFile(next.key, files.key)
    await until(() => calls === 1, { what: 'a call for the key', withinMs: 30_000 })
    writeFileSync(files.certificate, next.pair.certificate)
    await until(() => calls === 2, { what: 'a call for the certificate', withinMs: 30_000 })
  } finally {
    any.close()
    watch.close()
  }
})
