// `mxsteer health`: finds the server by the settings alone.

import { describe, expect, test } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { servedZone } from '../support/served-zone.ts'
import { launch } from '../support/server.ts'

const zone = `
zone: health.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
`

async function health(...flags: string[]): Promise<readonly [number | null, string]> {
  const child = launch(['health', ...flags])
  const { code } = await child.exited
  return [code, child.stderr()]
}

describe('health', () => {
  const server = servedZone(() => ({ zones: { 'health.yaml': zone } }))

  test('is asked of the admin server', async () => {
    const { adminPort } = server
    expect(await health('--admin', `127.0.0.1:${adminPort}`)).toEqual([0, ''])
    // It listens on every address there, as in a container.
    expect(await health('--admin', `0.0.0.0:${adminPort}`)).toEqual([0, ''])
  })

  test('is asked over DNS where there is no admin server', async () => {
    const { port } = server
    expect(await health('--admin', 'off', '--listen', `127.0.0.1:${port}`)).toEqual([0, ''])
  })

  test('fails where nobody answers, and says where', async () => {
    const nobody = await freePort()
    const [code, text] = await health('--admin', `127.0.0.1:${nobody}`)
    expect([code, text]).toEqual([1, expect.stringContaining(`port ${nobody}: `)])
    const [dnsCode, dnsText] = await health('--admin', 'off', '--listen', `127.0.0.1:${nobody}`)
    expect([dnsCode, dnsText]).toEqual([1, expect.stringContaining(`port ${nobody}: `)])
    expect((await health('--admin', 'nonsense'))[0]).toBe(2)
  })
})
