// A corpus of hostile packets at the running server, over UDP and TCP. Whoever sends a whole header that is no response
// gets one answer, under its ID; any other sender none. After each batch: the right answer within a second, and memory and
// descriptors as before.

import { createSocket } from 'node:dgram'
import { readdirSync } from 'node:fs'

import { beforeAll, describe, expect, it } from 'vitest'

import { framed, openTcpClient } from '../support/dns-client.ts'
import { everyType, hostileBatches } from '../support/hostile-packets.ts'
import { optsOf } from '../support/opt-options.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'
import { pause, until } from '../support/wait.ts'

const zone = 'corpus.example.test'
const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1], MX: [10 ns1] }
  ns1: { A: 192.0.2.53 }
`
const grownLimit = 64 * 2 ** 20
/** Answered before more is sent: the kernel's buffers are not what is tested here. */
const inFlight = 64

let rest: { readonly rss: number; readonly descriptors: number }

const descriptors = (): number => readdirSync(`/proc/${server.pid}/fd`).length

const server = servedZone({ zones: { 'corpus.yaml': zoneFile }, flags: ['--lameduck', '0s'] })
const client = clientOf(server)
beforeAll(async () => {
  await client.askMany(zone, 'MX', 2000)
  await overTcp(everyType(zone).slice(0, 2000))
  rest = { rss: server.rssOctets(), descriptors: descriptors() }
})

async function expectWell(): Promise<void> {
  const reply = await client.ask(zone, 'MX', 1000)
  expect([reply.header.rcode, reply.answers.length]).toEqual([0, 1])
  const isBack = (): boolean => descriptors() <= rest.descriptors
  await until(isBack, { what: `descriptors back at ${rest.descriptors}`, withinMs: 30_000 })
  expect(server.rssOctets() - rest.rss).toBeLessThan(grownLimit)
  expect(await server.metric('mxsteer_failures_total')).toBe(0)
  expect(await server.metric('mxsteer_worker_restarts_total')).toBe(0)
}

const isDue = (packet: Uint8Array): boolean => packet.length >= 12 && (packet[2] ?? 0) < 0x80

/** The packets with IDs of their own, so that each answer finds its question. */
const numbered = (packets: readonly Uint8Array[]): Buffer[] =>
  packets.map((packet, id) => {
    const copy = Buffer.from(packet)
    if (copy.length >= 2) copy.writeUInt16BE(id)
    return copy
  })

/** What is wrong with a reply; null where nothing is. */
function wrongWith(reply: Buffer, packet: Buffer, maxOctets: number): string | null {
  if (reply.length < 12 || (reply.readUInt8(2) & 0x80) === 0) return 'no response'
  if (reply.length > maxOctets) return `${reply.length} octets`
  if ((reply.readUInt8(2) & 0x78) !== (packet.readUInt8(2) & 0x78)) return 'another opcode'
  if ((reply.readUInt8(3) & 0xf0) !== 0) return 'RA, Z, AD or CD'
  try {
    return optsOf(reply).length > 1 ? 'several OPT' : null
  } catch (error) {
    return String(error)
  }
}

interface Outcome {
  readonly replies: number
  readonly wrong: readonly string[]
}

async function overUdp(packets: readonly Uint8Array[]): Promise<Outcome> {
  const sent = numbered(packets)
  const seen = new Set<number>()
  const wrong: string[] = []
  let onReply = (): void => {}
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
  socket.on('message', (reply) => {
    const id = reply.readUInt16BE(0)
    const why = seen.has(id) ? 'a second answer' : wrongWith(reply, sent[id] as Buffer, 1232)
    if (why !== null) wrong.push(`${id}: ${why}`)
    seen.add(id)
    onReply()
  })
  let due = 0
  for (let at = 0; at < sent.length && wrong.length === 0; at += inFlight) {
    const batch = sent.slice(at, at + inFlight)
    due += batch.filter(isDue).length
    const answered = new Promise<boolean>((resolve) => {
      const overdue = setTimeout(() => resolve(false), 20_000)
      onReply = () => {
        if (seen.size < due) return
        clearTimeout(overdue)
        resolve(true)
      }
    })
    for (const packet of batch) socket.send(packet, server.port, '127.0.0.1')
    onReply()
    if (!(await answered)) wrong.push(`${seen.size} answers of ${due}`)
  }
  // What comes now is one too many.
  await pause(50)
  socket.close()
  return { replies: seen.size, wrong }
}

async function overTcp(packets: readonly Uint8Array[]): Promise<Outcome> {
  const sent = numbered(packets)
  const due = sent.filter(isDue)
  const tcp = await openTcpClient(server.port)
  // Shorter than a header is no DNS stream: that closes the connection, as hostile.e2e.test.ts tests.
  const stream = sent.filter((packet) => packet.length >= 12).map(framed)
  const writing = tcp.write(Buffer.concat(stream))
  const replies = await tcp.receive(due.length, 20_000)
  await writing
  tcp.destroy()
  const wrong = replies.flatMap((reply) => {
    const why = wrongWith(reply, sent[reply.readUInt16BE(0)] as Buffer, 65_535)
    return why === null ? [] : [`${reply.readUInt16BE(0)}: ${why}`]
  })
  const ids = new Set(replies.map((reply) => reply.readUInt16BE(0)))
  if (ids.size !== due.length) wrong.push(`${ids.size} answers of ${due.length}`)
  return { replies: ids.size, wrong }
}

describe.each([
  ['UDP', overUdp],
  ['TCP', overTcp],
] as const)('over %s', (_, over) => {
  it.each(hostileBatches(zone))('$what', async ({ packets }) => {
    const due = packets.filter(isDue).length
    expect(await over(packets)).toEqual({ replies: due, wrong: [] })
    await expectWell()
  })

  it('all 65,536 types', async () => {
    expect(await over(everyType(zone))).toEqual({ replies: 65_536, wrong: [] })
    await expectWell()
  })
})
