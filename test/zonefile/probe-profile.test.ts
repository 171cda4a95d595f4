// The probe profile of each watched address.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type WatchedAddress, profileDefaults } from '../../src/probe/smtp/profile.ts'
import { readZonesHere } from '../support/read-zones.ts'
import { temporaryFolder } from '../support/server.ts'

const digest = 'ab'.repeat(32)

const byHand = `
  _25._tcp.mx1: { TLSA: ['3 1 1 ${digest}', '2 0 1 ${digest}'] }
  _465._tcp.mx1: { TLSA: '3 0 0 abcd' }`

async function watchedBy(
  probe: string,
  targets: string,
  records = byHand,
): Promise<readonly WatchedAddress[]> {
  const folder = temporaryFolder()
  const text = `
zone: smtp.example.test
soa: { mname: ns1, rname: hostmaster }
targets:
${targets}
probes: { p: ${probe} }
pools: { eu: { probe: p, targets: [mx1, mx2] } }
steering: { in: [{ pools: [eu] }] }
records:
  '@': { NS: ns1, MX: { steer: in } }
  ns1: { A: 192.0.2.53 }
${records}
`
  writeFileSync(join(folder, 'z.yaml'), text)
  const loaded = await readZonesHere(folder)
  if (loaded.kind === 'rejected') throw new Error(JSON.stringify(loaded.diagnostics))
  return loaded.watched
}

const two = `  mx1: { addresses: [192.0.2.1] }\n  mx2: { addresses: [192.0.2.2] }`

it('is the default where nothing is said', async () => {
  const [first] = await watchedBy('{}', two)
  expect(first?.profile).toEqual({
    ...profileDefaults,
    name: 'p',
    port: 25,
    ehlo: 'probe.smtp.example.test',
  })
  expect(first).not.toHaveProperty('probeAddress')
})

it('at level tls knows the exchange and the zone’s own TLSA records', async () => {
  const [mx1, mx2] = await watchedBy('{ level: tls, tls_interval: 1m, require_tls: true }', two)
  expect(mx1?.profile).toMatchObject({ level: 'tls', rounds: 'ehlo', slowIntervalMs: 60_000 })
  const data = new Uint8Array(32).fill(0xab)
  expect(mx1?.profile.tls).toMatchObject({
    mode: 'starttls',
    isRequired: true,
    serverName: 'mx1.smtp.example.test',
    tlsa: [
      { usage: 3, selector: 1, matchingType: 1, data },
      { usage: 2, selector: 0, matchingType: 1, data },
    ],
  })
  expect(mx2?.profile.tls).toMatchObject({ serverName: 'mx2.smtp.example.test', tlsa: [] })
})

it('at level tls knows the slots that a target is behind, at port 25', async () => {
  const slots = 'slots: { steer: in, names: [in1, in2] }'
  const [mx1] = await watchedBy('{ level: tls }', two, slots)
  expect(mx1?.profile.tls.slotNames).toEqual(['in1.smtp.example.test', 'in2.smtp.example.test'])
  const [submission] = await watchedBy('{ level: tls, port: 587 }', two, slots)
  expect(submission?.profile.tls.slotNames).toEqual([])
})

describe('`tlsa` of targets', () => {
  const targets = `
  mx1: { addresses: [192.0.2.1], tlsa: 3 1 1 ${digest} }
  mx2: { addresses: [192.0.2.2] }`
  const data = new Uint8Array(32).fill(0xab)
  const own = [{ usage: 3, selector: 1, matchingType: 1, data }]
  const tlsaOf = async (probe: string, records: string): Promise<unknown[]> =>
    (await watchedBy(probe, targets, records)).map(({ profile }) => profile.tls.tlsa)

  it('counts at port 25, and at the ports of services', async () => {
    expect(await tlsaOf('{ level: tls }', '')).toEqual([own, []])
    expect(await tlsaOf('{ level: tls, port: 2525 }', '')).toEqual([[], []])
    const service = '  _submissions._tcp: { SRV: { steer: in, port: 465 } }'
    expect(await tlsaOf('{ port: 465 }', service)).toEqual([own, []])
  })

  it('counts for others behind the same steered address name, as senders judge them', async () => {
    const relay = '  relay: { address: { steer: in } }'
    expect(await tlsaOf('{ level: tls }', relay)).toEqual([own, own])
    const other = [{ usage: 3, selector: 0, matchingType: 0, data: Uint8Array.of(1) }]
    expect(
      await tlsaOf('{ level: tls }', `${relay}\n  _25._tcp.relay: { TLSA: 3 0 0 01 }`),
    ).toEqual([own, other])
  })

  it('may stand in a master file', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'static.zone'), `_25._tcp.mx1 TLSA 3 0 0 ${digest}\n`)
    writeFileSync(
      join(folder, 'z.yaml'),
      `
zone: smtp.example.test
records_file: static.zone
soa: { mname: ns1, rname: hostmaster }
targets: { mx1: { addresses: [192.0.2.1] } }
probes: { p: { level: tls } }
pools: { eu: { probe: p, targets: [mx1] } }
steering: { in: [{ pools: [eu] }] }
records: { '@': { NS: ns1, MX: { steer: in } }, ns1: { A: 192.0.2.53 } }
`,
    )
    const loaded = await readZonesHere(folder)
    if (loaded.kind === 'rejected') throw new Error(JSON.stringify(loaded.diagnostics))
    expect(loaded.watched[0]?.profile.tls.tlsa).toEqual([
      { usage: 3, selector: 0, matchingType: 0, data },
    ])
  })
})

it('at port 465 is implicit, with the records of that port', async () => {
  const [mx1] = await watchedBy('{ port: 465 }', two)
  expect(mx1?.profile.tls).toMatchObject({
    mode: 'implicit',
    tlsa: [{ usage: 3, selector: 0, matchingType: 0, data: Uint8Array.of(0xab, 0xcd) }],
  })
})

it('probes behind NAT where probe_at says, and tells of the served address', async () => {
  const targets = `
  mx1: { addresses: [192.0.2.1, '2001:db8::1'], probe_at: { 192.0.2.1: 10.0.0.1:2525, '2001:DB8:0::1': '[fd00::1]:2526' } }
  mx2: { addresses: [192.0.2.2], probe_at: { 192.0.2.2: 10.0.0.1 } }`
  const watched = await watchedBy('{ level: tls }', targets)
  expect(
    watched.map(({ address, probeAddress, profile }) => [
      address,
      probeAddress,
      profile.port,
      profile.tls.tlsa.length,
    ]),
  ).toEqual([
    ['192.0.2.1', '10.0.0.1', 2525, 2],
    ['2001:db8::1', 'fd00::1', 2526, 2],
    ['192.0.2.2', '10.0.0.1', 25, 0],
  ])
})

it('probes two targets at once that stand behind one address, but not where TLS tells them apart', async () => {
  const same = `  mx1: { addresses: [192.0.2.1] }\n  mx2: { addresses: [192.0.2.1] }`
  const slots = async (probe: string): Promise<number> =>
    new Set((await watchedBy(probe, same)).map(({ slot }) => slot)).size
  expect(await slots('{ level: ehlo }')).toBe(1)
  expect(await slots('{ level: tls }')).toBe(2)
})

it('takes every key', async () => {
  const [first] = await watchedBy(
    `{ level: rcpt, recipient: canary@example.test, sender: probe@example.test, rounds: connect,
       proxy: v2, source: [192.0.2.7, '2001:db8::7'], expect: { banner: ESMTP, ehlo: [SIZE] },
       slow_after: 3s, rcpt_interval: 2h, tls_min: TLSv1.3 }`,
    two,
  )
  expect(first?.profile).toMatchObject({
    level: 'rcpt',
    rounds: 'connect',
    recipient: 'canary@example.test',
    sender: 'probe@example.test',
    proxy: 'v2',
    source: { ipv4: '192.0.2.7', ipv6: '2001:db8::7' },
    expect: { banner: ['ESMTP'], ehlo: ['SIZE'] },
    slowAfterMs: 3000,
    slowIntervalMs: 7_200_000,
    tls: { minVersion: 'TLSv1.3' },
  })
})
