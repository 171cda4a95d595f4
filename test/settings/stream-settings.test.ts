// Settings of DNS over TLS, proxies and transfers: where they listen by default, and mistakes with their place.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { formatDiagnostics } from '../../src/zonefile/diagnostic.ts'
import { loadSettings } from '../../src/settings/settings.ts'
import type { StreamSettings } from '../../src/settings/stream-settings.ts'

const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-streams-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const load = (text: string) => {
  const configFile = join(scratch, 'mxsteer.yaml')
  writeFileSync(configFile, text)
  return loadSettings({ flags: {}, env: {}, configFile, host: { name: 'ns1', parallelism: 2 } })
}

async function streams(text: string): Promise<StreamSettings> {
  const loaded = await load(text)
  if (loaded.kind === 'rejected') throw new Error(formatDiagnostics(loaded.diagnostics))
  return loaded.settings.streams
}

async function diagnostics(text: string): Promise<string[]> {
  const loaded = await load(text)
  if (loaded.kind === 'settings') return []
  return loaded.diagnostics.map(
    ({ line, column, code, message }) => `${line}:${column} ${code} ${message}`,
  )
}

const files = 'certificate: c.pem, key: k.pem'

it('nothing of it unless asked for', async () => {
  expect(await streams('')).toEqual({ tls: null, proxy: null, transferAllow: [] })
})

describe('DNS over TLS', () => {
  it('listens beside DNS, on port 853', async () => {
    const { tls } = await streams(
      `listen: [192.0.2.1:53, 192.0.2.1:5353, "[2001:db8::1]:53"]\ntls: { ${files} }`,
    )
    expect(tls).toEqual({
      certificate: 'c.pem',
      key: 'k.pem',
      listen: [
        { address: '192.0.2.1', port: 853 },
        { address: '2001:db8::1', port: 853 },
      ],
    })
  })

  it('or where the setting says, with a port or without', async () => {
    const { tls } = await streams(`tls: { ${files}, listen: ["::1", 127.0.0.1:8853] }`)
    expect(tls?.listen).toEqual([
      { address: '::1', port: 853 },
      { address: '127.0.0.1', port: 8853 },
    ])
  })
})

it('proxies and transfers', async () => {
  const text =
    'proxy: { listen: 127.0.0.1:5301, from: 127.0.0.1 }\ntransfer: { allow: [192.0.2.0/24, "::1"] }'
  expect(await streams(text)).toEqual({
    tls: null,
    proxy: {
      listen: [{ address: '127.0.0.1', port: 5301 }],
      from: [{ kind: 'network', octets: Uint8Array.of(127, 0, 0, 1), prefixLength: 32 }],
    },
    transferAllow: [
      { kind: 'network', octets: Uint8Array.of(192, 0, 2, 0), prefixLength: 24 },
      {
        kind: 'network',
        octets: Uint8Array.from({ length: 16 }, (_, i) => Number(i === 15)),
        prefixLength: 128,
      },
    ],
  })
})

describe('problems', () => {
  it.each([
    ['tls: { certificate: c.pem }', '1:1 missing missing, expected a path'],
    [
      'tls: { certificate: c.pem, key: k.pem, keys: 1 }',
      '1:40 unknown-key unknown key "keys", did you mean "key"?',
    ],
    ['proxy: { listen: 127.0.0.1:1 }', '1:1 missing missing, expected a network'],
    ['proxy: { listen: 127.0.0.1, from: "::1" }', '1:18 bad-value expected ADDRESS:PORT'],
    ['transfer: { allow: [192.0.2.1/24] }', '1:21 bad-value expected a network'],
    ['transfer: { allow: [] }', '1:20 bad-value expected at least one, got an empty list'],
    [
      `listen: 127.0.0.1:853\ntls: { ${files} }`,
      '0:0 bad-value 127.0.0.1 port 853 is in listen and in tls.listen',
    ],
    [
      'listen: 127.0.0.1:53\nproxy: { listen: 127.0.0.1:53, from: 127.0.0.1 }',
      '0:0 bad-value 127.0.0.1 port 53 is in listen and in proxy.listen',
    ],
  ])('%s', async (text, expected) => {
    const [first = '', ...more] = await diagnostics(text)
    expect(first).toContain(expected)
    expect(more).toEqual([])
  })
})
