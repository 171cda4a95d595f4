// What clients that we did not write get from the running server: dig over UDP and TCP, dns2's codec, and a TCP
// client that cuts its octets where it likes.

import { describe, expect, it } from 'vitest'

import { dig, rdataOf } from '../support/dig.ts'
import {
  addressesOf,
  decodeReply,
  encodeQuestion,
  framed,
  ladderOf,
  openTcpClient,
} from '../support/dns-client.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'

const zone = 'smtp.example.test'
const bigText = Array.from(
  { length: 12 },
  (_, i) => `"${String(i).padStart(3, '0')}${'x'.repeat(197)}"`,
)

const zoneFile = `
zone: ${zone}
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
  mx1: { addresses: [192.0.2.1, "2001:db8::1"] }
  mx2: { addresses: [192.0.2.2] }
  mx3: { addresses: [192.0.2.3] }
  v6: { addresses: ["2001:db8::6"] }
pools:
  main: { targets: { mx1: 5, mx2: 3, mx3: 1 } }
  six: { targets: { v6: 1, mx1: 1 } }
steering:
  inbound: [{ pools: [main] }]
  both: [{ pools: [six] }]
records:
  "@":
    NS: [ns1, ns2]
    MX: { steer: inbound }
    TXT: '"one text"'
  relay: { address: { steer: inbound, answers: 2 } }
  both: { address: { steer: both, answers: 2 } }
  ns1: { A: 192.0.2.53, AAAA: "2001:db8::53" }
  ns2: { A: 198.51.100.53 }
  alias: { CNAME: info }
  info: { TXT: { ttl: 3600, data: ['"one"', '"two words"'] } }
  big: { TXT: [${bigText.map((text) => `'${text}'`).join(', ')}] }
  "*.wild": { TXT: '"from the wildcard"' }
  a.deep.down: { A: 192.0.2.77 }
  child: { NS: ns1.child }
  ns1.child: { A: 192.0.2.54 }
  _25._tcp.mx1: { TLSA: 3 1 1 ${'ab'.repeat(32)} }
  odd: { TYPE65400: '\\# 2 0a00' }
`

const server = servedZone({ zones: { 'wire.yaml': zoneFile } })
const client = clientOf(server)

const ask = (name: string, type: string, ...more: string[]): ReturnType<typeof dig> =>
  dig(server.port, name === '@' ? zone : `${name}.${zone}`, type, ...more)

describe.each([
  ['UDP', '+notcp'],
  ['TCP', '+tcp'],
])('dig over %s', (_, transport) => {
  it('gets the ladder with the addresses of its exchanges', async () => {
    const { status, flags, answer, additional } = await ask('@', 'MX', transport)
    expect(status).toBe('NOERROR')
    expect([flags.has('aa'), flags.has('tc'), flags.has('ra')]).toEqual([true, false, false])
    const rungs = answer.map((one) => one.rdata.split(' '))
    expect(rungs.map(([preference]) => preference)).toEqual(['10', '20', '30'])
    expect(
      rungs.map(([, exchange]) => exchange).sort((a = '', b = '') => a.localeCompare(b)),
    ).toEqual(['mx1', 'mx2', 'mx3'].map((name) => `${name}.${zone}.`))
    expect(new Set(answer.map((one) => one.ttl))).toEqual(new Set([60]))
    expect(rdataOf(additional, 'A')).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.3'])
    expect(rdataOf(additional, 'AAAA')).toEqual(['2001:db8::1'])
  })

  it('gets k of n addresses, and the family that was asked', async () => {
    const relay = await ask('relay', 'A', transport)
    expect(new Set(rdataOf(relay.answer, 'A')).size).toBe(2)
    const both = await ask('both', 'AAAA', transport)
    expect(rdataOf(both.answer, 'AAAA')).toEqual(['2001:db8::1', '2001:db8::6'])
    const own = await ask('mx1', 'AAAA', transport)
    expect(rdataOf(own.answer)).toEqual(['2001:db8::1'])
  })

  it('gets plain records of named and unnamed types', async () => {
    expect(rdataOf((await ask('info', 'TXT', transport)).answer)).toEqual(['"one"', '"two words"'])
    expect((await ask('info', 'TXT', transport)).answer.map((one) => one.ttl)).toEqual([3600, 3600])
    expect(rdataOf((await ask('@', 'TXT', transport)).answer)).toEqual(['"one text"'])
    const ns = await ask('@', 'NS', transport)
    expect(rdataOf(ns.answer)).toEqual([`ns1.${zone}.`, `ns2.${zone}.`])
    const soa = await ask('@', 'SOA', transport)
    expect(soa.answer[0]?.rdata).toMatch(
      /^ns1\.smtp\.example\.test\. hostmaster\.example\.test\. \d+ \d+ \d+ \d+ 30$/,
    )
    const tlsa = await ask('_25._tcp.mx1', 'TLSA', transport)
    expect(tlsa.answer[0]?.rdata.replaceAll(' ', '').toLowerCase()).toBe(`311${'ab'.repeat(32)}`)
    const odd = await ask('odd', 'TYPE65400', transport)
    expect(rdataOf(odd.answer)).toEqual(['\\# 2 0A00'])
  })

  it('tells NODATA from NXDOMAIN, with the SOA of the zone', async () => {
    for (const [name, type, status] of [
      ['info', 'A', 'NOERROR'],
      ['mx2', 'AAAA', 'NOERROR'],
      ['deep.down', 'A', 'NOERROR'],
      ['down', 'TXT', 'NOERROR'],
      ['nowhere', 'A', 'NXDOMAIN'],
      ['deeper.nowhere', 'MX', 'NXDOMAIN'],
    ] as const) {
      const reply = await ask(name, type, transport)
      expect([name, reply.status, reply.answer.length]).toEqual([name, status, 0])
      expect(reply.flags.has('aa')).toBe(true)
      expect(reply.authority.map((one) => [one.type, one.ttl])).toEqual([['SOA', 30]])
    }
  })

  it('gets the wildcard below it, and not at it or beside it', async () => {
    const below = await ask('any.thing.wild', 'TXT', transport)
    expect(below.answer.map((one) => [one.owner, one.rdata])).toEqual([
      [`any.thing.wild.${zone}.`, '"from the wildcard"'],
    ])
    expect((await ask('some.wild', 'A', transport)).status).toBe('NOERROR')
    expect((await ask('wild', 'TXT', transport)).answer).toEqual([])
  })

  it('follows an alias within the zone', async () => {
    const { status, answer } = await ask('alias', 'TXT', transport)
    expect(status).toBe('NOERROR')
    expect(answer[0]).toMatchObject({ type: 'CNAME', rdata: `info.${zone}.` })
    expect(rdataOf(answer, 'TXT')).toEqual(['"one"', '"two words"'])
    expect(rdataOf((await ask('alias', 'CNAME', transport)).answer)).toEqual([`info.${zone}.`])
  })

  it('is referred to the child at and below the delegation, with glue', async () => {
    for (const name of ['child', 'www.child', 'ns1.child']) {
      const reply = await ask(name, 'A', transport)
      expect([reply.status, reply.flags.has('aa'), reply.answer.length]).toEqual([
        'NOERROR',
        false,
        0,
      ])
      expect(rdataOf(reply.authority, 'NS')).toEqual([`ns1.child.${zone}.`])
      expect(rdataOf(reply.additional, 'A')).toEqual(['192.0.2.54'])
    }
  })

  it('is refused outside', async () => {
    const reply = await dig(server.port, 'example.org', 'A', transport)
    expect([reply.status, reply.flags.has('aa')]).toEqual(['REFUSED', false])
  })
})

describe('sizes', () => {
  it('truncates over UDP by the size the client gives, and tells all over TCP', async () => {
    const short = await ask('big', 'TXT', '+ignore', '+noedns')
    expect([short.flags.has('tc'), short.answer.length]).toEqual([true, 0])
    expect(short.ednsOctets).toBeNull()
    const middle = await ask('big', 'TXT', '+ignore', '+bufsize=1232')
    expect([middle.flags.has('tc'), middle.answer.length]).toEqual([true, 0])
    expect(middle.ednsOctets).toBeGreaterThanOrEqual(512)
    for (const whole of [await ask('big', 'TXT', '+tcp'), await ask('big', 'TXT', '+notcp')]) {
      expect(whole.flags.has('tc')).toBe(false)
      expect(rdataOf(whole.answer)).toEqual(bigText.toSorted())
    }
  })

  it('leaves additional addresses out rather than truncate', async () => {
    const reply = await ask('@', 'MX', '+ignore', '+noedns')
    expect(reply.flags.has('tc')).toBe(false)
    expect(reply.answer).toHaveLength(3)
  })
})

describe('dns2 as the client', () => {
  it('reads every section of the ladder', async () => {
    const reply = await client.ask(zone, 'MX')
    expect(reply.header).toMatchObject({ qr: 1, aa: 1, tc: 0, ra: 0, rcode: 0 })
    expect(ladderOf(reply).map((rung) => rung.preference)).toEqual([10, 20, 30])
    expect(reply.questions[0]).toMatchObject({ name: zone, type: 15, class: 1 })
    expect(addressesOf(await client.ask(`ns2.${zone}`, 'A'))).toEqual(['198.51.100.53'])
  })

  it('gets its question back in the case it wrote', async () => {
    const reply = await client.ask('SmTp.eXaMpLe.TEST', 'SOA')
    expect(reply.questions[0]?.name).toBe('SmTp.eXaMpLe.TEST')
    expect(reply.answers[0]).toMatchObject({ type: 6, minimum: 30 })
  })
})

describe('TCP', () => {
  it('answers pipelined queries, however their octets are cut', async () => {
    const questions = [
      encodeQuestion(zone, 'MX', 1),
      encodeQuestion(`big.${zone}`, 'TXT', 2),
      encodeQuestion(`nowhere.${zone}`, 'A', 3),
      encodeQuestion(`relay.${zone}`, 'A', 4),
    ]
    const stream = Buffer.concat(questions.map(framed))
    for (const cut of [1, 2, 3, 7, 31, stream.length]) {
      const tcp = await openTcpClient(server.port)
      for (let at = 0; at < stream.length; at += cut) {
        await tcp.write(stream.subarray(at, at + cut))
        // Lets the kernel send it by itself, for the smallest cuts.
        if (cut < 8) await new Promise((resolve) => void setImmediate(resolve))
      }
      const replies = (await tcp.receive(questions.length)).map(decodeReply)
      const byId = new Map(replies.map((reply) => [reply.header.id, reply]))
      expect([...byId.keys()].sort((a, b) => a - b)).toEqual([1, 2, 3, 4])
      expect(ladderOf(byId.get(1) as never)).toHaveLength(3)
      expect(byId.get(2)?.answers).toHaveLength(bigText.length)
      expect(byId.get(3)?.header.rcode).toBe(3)
      tcp.destroy()
    }
  })

  it('answers what came before the client closed its half', async () => {
    const tcp = await openTcpClient(server.port)
    await tcp.write(framed(encodeQuestion(zone, 'SOA', 9)))
    tcp.socket.end()
    const [reply] = await tcp.receive(1)
    expect(decodeReply(reply as Buffer).answers).toHaveLength(1)
    expect(await tcp.closed(3000)).toBeLessThan(3000)
    tcp.destroy()
  })
})
