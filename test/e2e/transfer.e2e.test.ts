// Zone transfers out, to the secondaries that people run, and beside everything else that the server has to do.

import { describe, expect, it } from 'vitest'

import { type DigRecord, dig, rdataOf } from '../support/dig.ts'
import {
  type TcpClient,
  encodeQuestion,
  framed,
  openTcpClient,
  openUdpClient,
} from '../support/dns-client.ts'
import { kdig } from '../support/kdig.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { startBindSecondary, startNsdSecondary } from '../support/secondary.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const zone = 'transfer.example.test'
const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1, "2001:db8::1"] }
  mx2: { addresses: [192.0.2.2] }
pools:
  main: { targets: { mx1: 1, mx2: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@": { NS: [ns1], MX: { steer: inbound }, TXT: ['"one text"', '"second"'] }
  ns1: { A: 192.0.2.53 }
  relay: { address: { steer: inbound, answers: all } }
  "*.wild": { MX: 10 mx1 }
  deep.below.nothing: { TXT: '"x"' }
  child: { NS: [ns.child, ns1], DS: 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef }
  ns.child: { A: 192.0.2.54 }
  _25._tcp.mx1: { TLSA: 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef }
  alias: { CNAME: relay }
  odd: { TYPE65400: '\\# 3 0a0b0c' }
`

const bigZone = 'big.example.test'
const bigRecords = 20_000
const bigFile = `
zone: ${bigZone}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
${Array.from({ length: bigRecords }, (_, i) => `  n${i}: { A: 10.${i >> 16}.${(i >> 8) & 255}.${i & 255} }`).join('\n')}
`

const settings = 'transfer: { allow: [127.0.0.1, "2001:db8::/32"] }'

const server = servedZone({
  zones: { 'transfer.yaml': zoneFile, 'big.yaml': bigFile },
  settings,
  flags: ['--workers', '1', '--transport', 'dgram'],
})

const plain = ({ owner, ttl, type, rdata }: DigRecord): string =>
  `${owner.toLowerCase()} ${ttl} ${type} ${rdata.toLowerCase()}`

/** A whole zone, as dig prints it, by lines; without the second SOA. */
async function axfr(port: number, apex: string, ...more: string[]): Promise<string[]> {
  const { answer } = await dig(port, apex, 'AXFR', '+onesoa', '+noidnout', ...more)
  return answer.map(plain).sort()
}

describe('a secondary', () => {
  it.each([
    ['BIND', startBindSecondary],
    ['NSD', startNsdSecondary],
  ])(
    '%s takes the zone and serves the same',
    async (_, start) => {
      const secondary = await start(`${zone}.`, server.port)
      try {
        const isSteered = (record: string): boolean => / MX (10|20) mx|^relay/.test(record)
        const theirs = await axfr(secondary.port, zone)
        const ours = await axfr(server.port, zone)
        const whole = (records: readonly string[]) =>
          records.filter((record) => !isSteered(record) || record.startsWith('*'))
        expect(whole(theirs)).toEqual(whole(ours))
        // Of a steered set a whole selection: both rungs, every address.
        expect(
          theirs.filter((record) => record.startsWith(`${zone}. `) && / MX /.test(record)),
        ).toHaveLength(2)
        expect(rdataOf((await dig(secondary.port, `relay.${zone}`, 'A')).answer)).toEqual([
          '192.0.2.1',
          '192.0.2.2',
        ])
        for (const [owner, type] of [
          [`host.child.${zone}`, 'A'],
          [`some.wild.${zone}`, 'MX'],
          [`odd.${zone}`, 'TYPE65400'],
          [`mx1.${zone}`, 'AAAA'],
          [`child.${zone}`, 'DS'],
        ] as const) {
          const [their, our] = [
            await dig(secondary.port, owner, type),
            await dig(server.port, owner, type),
          ]
          expect([their.status, rdataOf(their.answer)]).toEqual([our.status, rdataOf(our.answer)])
          // Beside an answer they tell the apex NS, which we leave out.
          if (our.answer.length > 0) continue
          expect(rdataOf(our.authority, 'NS')).toHaveLength(2)
          expect(rdataOf(their.authority, 'NS')).toEqual(rdataOf(our.authority, 'NS'))
        }
      } finally {
        await secondary.stop()
      }
    },
    600_000,
  )

  it('BIND takes a zone of 20,000 records', async () => {
    const secondary = await startBindSecondary(`${bigZone}.`, server.port)
    try {
      const last = `n${bigRecords - 1}.${bigZone}`
      expect(rdataOf((await dig(secondary.port, last, 'A')).answer)).toEqual(['10.0.78.31'])
    } finally {
      await secondary.stop()
    }
  }, 600_000)
})

describe('by hand', () => {
  it('dig AXFR and kdig AXFR tell the same', async () => {
    const lines = (await kdig(server.port, zone, 'AXFR', '+noall', '+answer')).split('\n')
    const records = lines.filter((line) => line !== '' && !line.startsWith(';'))
    const withBothSoas = (await dig(server.port, zone, 'AXFR')).answer
    expect(records).toHaveLength(withBothSoas.length)
    expect(withBothSoas[0]).toEqual(withBothSoas.at(-1))
    expect(withBothSoas[0]?.type).toBe('SOA')
    expect(withBothSoas.map((record) => record.owner)).toContain(`ns.child.${zone}.`)
  })

  it('dig IXFR: the whole zone from an old serial, the SOA from ours', async () => {
    const serial = Number((await dig(server.port, zone, 'SOA')).answer[0]?.rdata.split(' ')[2])
    const whole = (await dig(server.port, zone, 'AXFR')).answer.length
    expect((await dig(server.port, zone, `IXFR=${serial - 1}`)).answer).toHaveLength(whole)
    const [soa, ...more] = (await dig(server.port, zone, `IXFR=${serial}`)).answer
    expect([soa?.type, more]).toEqual(['SOA', []])
    const datagram = await dig(server.port, zone, `IXFR=${serial - 1}`, '+notcp')
    expect(datagram.answer.map((record) => record.type)).toEqual(['SOA'])
  })

  it('from an address that is not listed: refused, and counted', async () => {
    const before = (await server.metric('mxsteer_transfers_refused_total')) ?? 0
    const { text } = await dig(server.port, zone, 'AXFR', '-b', '127.0.0.2')
    expect(text).toMatch(/Transfer failed/)
    expect(text).not.toMatch(/192\.0\.2/)
    expect(await server.metric('mxsteer_transfers_refused_total')).toBe(before + 1)
  })
})

const axfrQuery = (apex: string, id = 1): Buffer =>
  framed(buildQuery({ id, name: apex, type: 252, flags: 0 }))

/** Reads messages until one has rcode REFUSED or the zone's SOA came twice. */
async function drain(client: TcpClient): Promise<'refused' | number> {
  let records = 0
  for (;;) {
    const [message] = await client.receive(1, 15_000)
    if (((message?.[3] as number) & 15) === 5) return 'refused'
    records += message?.readUInt16BE(6) ?? 0
    if (records >= bigRecords + 4) return records
  }
}

describe('beside other clients', () => {
  it('four transfers of 20,000 records delay no query', async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => openTcpClient(server.port)))
    const udp = openUdpClient(server.port)
    await udp.ask(`ns1.${zone}`, 'A')
    const timed = async (): Promise<number> => {
      const begun = performance.now()
      await udp.ask(`ns1.${zone}`, 'A')
      return performance.now() - begun
    }
    const latencies: number[] = []
    const progress = { isDone: false }
    const transfers = Promise.all(
      clients.map(async (client) => {
        await client.write(axfrQuery(bigZone))
        return drain(client)
      }),
    ).finally(() => (progress.isDone = true))
    while (!progress.isDone) {
      latencies.push(await timed())
    }
    expect(await transfers).toEqual(Array(4).fill(bigRecords + 4))
    latencies.sort((a, b) => a - b)
    const median = latencies[latencies.length >> 1] as number
    const worst = latencies.at(-1) as number
    console.info(
      `beside 4 transfers: ${latencies.length} answers, median ${median.toFixed(1)} ms, worst ${worst.toFixed(1)} ms`,
    )
    // A message of each transfer is the most that an answer waits for: if it waited for one to end, there were no more.
    expect(latencies.length).toBeGreaterThan(3)
    udp.close()
    for (const client of clients) client.destroy()
  }, 600_000)

  it('those who do not read are cut, give their turn back, and cost no memory', async () => {
    const rss = server.rssOctets()
    const closed = (await server.metric('mxsteer_tcp_closed_by_limit_total')) ?? 0
    const deaf = await Promise.all(Array.from({ length: 4 }, () => openTcpClient(server.port)))
    // 40 MB each: more than the kernel takes for us.
    const many = Buffer.concat(Array.from({ length: 50 }, (_, i) => axfrQuery(bigZone, i)))
    for (const client of deaf) {
      client.socket.pause()
      await client.write(many)
    }
    const counted = async (): Promise<number> =>
      (await server.metric('mxsteer_tcp_closed_by_limit_total')) ?? 0
    await until(async () => (await server.metric('mxsteer_transfers_total')) !== null, {
      what: 'metrics',
      withinMs: 30_000,
    })
    const fifth = await openTcpClient(server.port)
    await until(
      async () => {
        await fifth.write(axfrQuery(bigZone))
        return (await drain(fifth)) === 'refused'
      },
      { what: 'the fifth refused', withinMs: 30_000 },
    )
    let peak = 0
    await until(
      async () => {
        peak = Math.max(peak, server.rssOctets() - rss)
        return (await counted()) >= closed + 4
      },
      { what: 'four cut', withinMs: 60_000, everyMs: 100 },
    )
    console.info(`4 transfers unread: server grew ${(peak / 2 ** 20).toFixed(1)} MiB`)
    expect(peak).toBeLessThan(96 * 2 ** 20)
    fifth.destroy()
    const next = await openTcpClient(server.port)
    await next.write(
      Buffer.concat([axfrQuery(bigZone), framed(encodeQuestion(`ns1.${zone}`, 'A', 99))]),
    )
    expect(await drain(next)).toBe(bigRecords + 4)
    // Asked behind the transfer, answered behind it.
    const [answer] = await next.receive(1)
    expect(answer?.readUInt16BE(0)).toBe(99)
    for (const client of [...deaf, next]) client.destroy()
  }, 600_000)
})
