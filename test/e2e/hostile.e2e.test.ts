// Octets that no honest client sends, at the running server: it stays, stays small, and answers at once afterwards.

import { createSocket } from 'node:dgram'

import { beforeAll, describe, expect, it } from 'vitest'

import { encodeQuestion, framed, openTcpClient } from '../support/dns-client.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'
import { pause } from '../support/wait.ts'

const zone = 'hostile.example.test'
const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1] }
pools:
  main: { targets: { mx1: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
  big: { TXT: [${Array.from({ length: 60 }, (_, i) => `'"${i}${'x'.repeat(240)}"'`).join(', ')}] }
`
const packets = 10_000
const grownLimit = 64 * 2 ** 20
/** Another one for each run; MXSTEER_TEST_SEED runs a failed one again. */
const seed = Number(process.env['MXSTEER_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32))

let restRss: number

const server = servedZone(async () => {
  console.info(`hostile packets: MXSTEER_TEST_SEED=${seed}`)
  return { zones: { 'hostile.yaml': zoneFile } }
})
const client = clientOf(server)
beforeAll(async () => {
  // The machinery warmed up, so that growth means what was left behind.
  await client.askMany(zone, 'MX', 2000)
  restRss = server.rssOctets()
})

async function expectWell(): Promise<void> {
  const reply = await client.ask(zone, 'MX')
  expect([reply.header.rcode, reply.answers.length]).toEqual([0, 1])
  expect(server.rssOctets() - restRss).toBeLessThan(grownLimit)
  expect(await server.metric('mxsteer_failures_total')).toBe(0)
  expect(await server.metric('mxsteer_worker_restarts_total')).toBe(0)
}

/** mulberry32: 32 bits a call, the same ones for the same seed. */
function randomOctets(from: number): (below: number) => number {
  let state = from >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** Sends every packet over UDP, no faster than the server reads them, and looks at each reply. */
async function send(make: (i: number) => Buffer): Promise<{ replies: number; strange: string[] }> {
  const socket = createSocket('udp4')
  const seen = { replies: 0, strange: [] as string[] }
  socket.on('message', (reply) => {
    seen.replies++
    const isReply = reply.length >= 12 && ((reply[2] as number) & 0x80) !== 0
    if (!isReply || reply.length > 4096) seen.strange.push(reply.toString('hex').slice(0, 200))
  })
  for (let i = 0; i < packets; i++) {
    const packet = make(i)
    socket.send(packet, server.port, '127.0.0.1')
    if (i % 32 === 31) {
      // An honest question between: when it is answered, what was sent before it has been read.
      const honest = await client.ask(zone, 'MX')
      if (honest.answers.length !== 1) seen.strange.push(`no answer after packet ${i}`)
    }
  }
  await pause(100)
  socket.close()
  return seen
}

describe('over UDP', () => {
  it('ten thousand random packets', async () => {
    const random = randomOctets(seed)
    const { strange } = await send(() => {
      const length = random(8) === 0 ? random(4000) : random(80)
      return Buffer.from(Array.from({ length }, () => random(256)))
    })
    expect(strange).toEqual([])
    await expectWell()
  }, 600_000)

  it('ten thousand mutated queries', async () => {
    const random = randomOctets(seed ^ 0x5bd1e995)
    const opt = Buffer.from('00002904d000000000000c0008000800012018c0000201', 'hex')
    const plain = [
      encodeQuestion(zone, 'MX', 1),
      encodeQuestion(`a.b.c.${zone}`, 'A', 2),
      encodeQuestion(`big.${zone}`, 'TXT', 3),
    ]
    const withOpt = plain.map((query) => {
      const grown = Buffer.concat([query, opt])
      grown.writeUInt16BE(1, 10)
      return grown
    })
    const models = [...plain, ...withOpt]
    const { replies, strange } = await send(() => mutate(models, random))
    expect(strange).toEqual([])
    // Many a mutant is still a query: an answer or an rcode is due, not silence for all.
    expect(replies).toBeGreaterThan(packets / 10)
    await expectWell()
  }, 600_000)
})

function mutate(models: readonly Buffer[], random: (below: number) => number): Buffer {
  let packet = Buffer.from(models[random(models.length)] as Buffer)
  for (let times = 1 + random(4); times > 0; times--) {
    const at = random(packet.length || 1)
    switch (random(6)) {
      case 0:
        packet = packet.subarray(0, at)
        break
      case 1:
        packet = Buffer.concat([packet, packet.subarray(at)])
        break
      case 2:
        // A compression pointer, forwards, backwards or at itself.
        packet.writeUInt16BE(
          0xc000 | random(packet.length + 8),
          Math.max(0, Math.min(at, packet.length - 2)),
        )
        break
      case 3:
        // The counts of the sections.
        packet.writeUInt16BE(random(4) === 0 ? 0xffff : random(4), 4 + 2 * random(4))
        break
      default:
        packet[at] = random(256)
    }
    if (packet.length < 12) return packet
  }
  return packet
}

describe('over TCP', () => {
  const honest = framed(encodeQuestion(zone, 'MX', 7))

  it.each([
    ['messages of no octets', Buffer.alloc(64)],
    ['a message shorter than a header', framed(Buffer.alloc(11))],
    ['a length beyond any query', Buffer.from([0xff, 0xff, 1, 2, 3])],
    ['another protocol', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ])('closes on %s', async (_, octets) => {
    const tcp = await openTcpClient(server.port)
    await tcp.write(octets)
    expect(await tcp.closed(3000)).toBeLessThan(3000)
    await expectWell()
  })

  it('closes on one who connects and says nothing, or drips octet by octet', async () => {
    const silent = await openTcpClient(server.port)
    const dripping = await openTcpClient(server.port)
    const drip = setInterval(() => {
      if (dripping.socket.writable) dripping.socket.write(Buffer.from([0]))
    }, 300)
    // First query within 3 s, a message within 2 s of its first octet; some slack for timers.
    expect(await silent.closed(30_000)).toBeGreaterThan(2000)
    // It would drip for ever.
    await dripping.closed(30_000)
    clearInterval(drip)
    silent.destroy()
    dripping.destroy()
    await expectWell()
  })

  it('bounds what is kept for one who asks and never reads', async () => {
    const tcp = await openTcpClient(server.port)
    tcp.socket.pause()
    const question = framed(encodeQuestion(`big.${zone}`, 'TXT', 8))
    const many = Buffer.concat(Array.from({ length: 2000 }, () => question))
    let peak = 0
    const watch = setInterval(() => (peak = Math.max(peak, server.rssOctets())), 50)
    for (let i = 0; i < 20 && tcp.socket.writable; i++) tcp.socket.write(many)
    // 40,000 answers of 15 KB would be 600 MB.
    await client.ask(zone, 'MX')
    await pause(2000)
    await client.ask(zone, 'MX')
    clearInterval(watch)
    console.info(`never reading: server grew ${((peak - restRss) / 2 ** 20).toFixed(1)} MiB`)
    expect(peak - restRss).toBeLessThan(grownLimit)
    tcp.destroy()
    await expectWell()
  })

  it('answers others while one holds all the connections that one client may have', async () => {
    const open = await Promise.all(Array.from({ length: 40 }, () => openTcpClient(server.port)))
    await expectWell()
    for (const one of open) one.destroy()
    await pause(200)
    const tcp = await openTcpClient(server.port)
    await tcp.write(honest)
    expect(await tcp.receive(1)).toHaveLength(1)
    tcp.destroy()
  })
})
