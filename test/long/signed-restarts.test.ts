// A server with a signed zone and a state file is started again with files that are not what they were: the zone file forgets
// `dnssec`, keys are gone, cut short or another's. It does not start, or signs rightly.

import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import { beforeEach, expect, test } from 'vitest'

import { dig } from '../support/dig.ts'
import { delv } from '../support/foreign-validators.ts'
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { type ForeignKeys, generateKeys } from '../support/signed-zone.ts'
import { qtypes } from '../support/signed-questions.ts'

const apex = 'again.example.test.'
const zoneText = (dnssec: string): string => `
zone: ${apex}
ttl: 60
${dnssec}
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
records: { '@': { NS: ns1, MX: 10 ns1 }, ns1: { A: 127.0.0.1 } }
`
let keys: ForeignKeys
let settings = ''

beforeEach(() => {
  keys = generateKeys(apex, 'ECDSAP256SHA256', false)
  settings = `dnssec: { keys: ${keys.folder} }\nstate_dir: ${temporaryFolder()}\nlameduck: 0\n`
})

type Look = (server: RunningServer) => Promise<void>

/** Starts a server with this in its zone file, and stops it again: `ready`, or why it did not start. `look`: asks it meanwhile. */
async function run(
  dnssec: string,
  look: Look = async () => {},
  ...flags: string[]
): Promise<string> {
  let server: RunningServer
  try {
    server = await startServer({ zones: { 'z.yaml': zoneText(dnssec) }, settings, flags })
  } catch (error) {
    return (error as Error).message
  }
  try {
    await look(server)
  } finally {
    await server.stop()
  }
  return 'ready'
}

const isSecure: Look = async ({ port }) =>
  expect(await delv({ apex, port, keys: keys.text }, { qname: apex, qtype: qtypes.MX })).toEqual({
    kind: 'secure',
  })

const isUnsigned: Look = async ({ port }) => {
  const { answer } = await dig(port, apex, 'MX', '+dnssec')
  expect(answer.map(({ type }) => type)).toEqual(['MX'])
}

test('a zone file that forgets that its zone is signed', async () => {
  expect(await run('dnssec: {}', isSecure)).toBe('ready')
  const dropped = /z\.yaml:2:7 zone: the zone is signed, and "dnssec" is gone from its file/
  expect(await run('')).toMatch(dropped)
  // It was no start: what is known is still known.
  expect(await run('')).toMatch(dropped)
  expect(await run('', isUnsigned, '--force-unsigned', apex)).toBe('ready')
  expect(await run('', isUnsigned)).toBe('ready')
})

test('a zone that was to become unsigned may be', async () => {
  expect(await run('dnssec: { unsign: true }', isSecure)).toBe('ready')
  expect(await run('', isUnsigned)).toBe('ready')
})

test('a zone that is signed without a folder of keys says where', async () => {
  settings = 'lameduck: 0\n'
  const lacking = /z\.yaml:4:\d+ dnssec: the settings name no folder of keys/
  expect(await run('dnssec: {}')).toMatch(lacking)
})

test('keys that are gone, cut short, another key, and back', async () => {
  const signed = (look?: Look): Promise<string> => run('dnssec: {}', look)
  expect(await signed(isSecure)).toBe('ready')
  const pathsOf = ({ folder, names: [name = ''] }: ForeignKeys): [string, string] => [
    join(folder, `${name}.key`),
    join(folder, `${name}.private`),
  ]
  const [record, secret] = pathsOf(keys)
  const [recordText, secretText] = [readFileSync(record), readFileSync(secret)]
  const other = pathsOf(generateKeys(apex, 'ECDSAP256SHA256', false))
  for (const file of other) copyFileSync(file, join(keys.folder, basename(file)))
  for (const file of [record, secret]) rmSync(file)
  // There is a key that could sign, but not the one that resolvers have.
  expect(await signed()).toMatch(/the key is gone, but answers or the parent may still need it/)
  writeFileSync(record, recordText)
  writeFileSync(secret, secretText.subarray(0, 60), { mode: 0o600 })
  expect(await signed()).toContain(secret)
  copyFileSync(other[1], secret)
  expect(await signed()).toContain(secret)
  writeFileSync(secret, secretText)
  expect(await signed(isSecure)).toBe('ready')
})
