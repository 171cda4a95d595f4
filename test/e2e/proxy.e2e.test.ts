// Behind a proxy: steering and limits apply to the client that the header names.

import { type Socket, createSocket } from 'node:dgram'
import { once } from 'node:events'

import { describe, expect, it } from 'vitest'

import { dig, rdataOf } from '../support/dig.ts'
import {
  decodeReply,
  encodeQuestion,
  framed,
  ladderOf,
  openTcpClient,
} from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { localHeader, proxyHeader } from '../support/proxy-header.ts'
import { startServer } from '../support/server.ts'
import { servedZone } from '../support/served-zone.ts'
import { pause } from '../support/wait.ts'

const zone = 'proxy.example.test'
const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  near: { addresses: [192.0.2.1] }
  far: { addresses: [192.0.2.2] }
  here: { addresses: [192.0.2.3] }
pools:
  near: { targets: { near: 1 } }
  far: { targets: { far: 1 } }
  here: { targets: { here: 1 } }
steering:
  inbound:
    - { when: { network: [198.51.100.0/24, "2001:db8:5::/48"] }, pools: [near] }
    - { when: { network: [127.0.0.0/8] }, pools: [here] }
    - { pools: [far] }
records:
  "@": { NS: [ns1], MX: { steer: inbound, ladder: 1 } }
  ns1: { A: 192.0.2.53 }
`

const inNetwork = [198, 51, 100, 7]
const inNetwork6 = [0x20, 1, 0xd, 0xb8, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]
const elsewhere = [203, 0, 113, 9]

let proxyPort: number
const server = servedZone(async () => {
  proxyPort = await freePort(['127.0.0.1', '::1'])
  const settings = `
proxy: { listen: ["127.0.0.1:${proxyPort}", "[::1]:${proxyPort}"], from: [127.0.0.1, "::1"] }
rate_limit: { per_second: 5, burst: 5 }
`
  return {
    zones: { 'proxy.yaml': zoneFile },
    settings,
    flags: ['--workers', '1'],
  }
})

interface Asked {
  readonly header?: Buffer
  readonly from?: string
  readonly to?: string
}

/** The answer to one datagram, or null after two seconds of silence. */
function askUdp({
  header = Buffer.alloc(0),
  from = '127.0.0.1',
  to = '127.0.0.1',
}: Asked): Promise<Buffer | null> {
  const socket = createSocket(to.includes(':') ? 'udp6' : 'udp4')
  return new Promise((resolve) => {
    const end = (answer: Buffer | null): void => {
      clearTimeout(overdue)
      socket.close()
      resolve(answer)
    }
    const overdue = setTimeout(() => end(null), 2000)
    socket.once('message', (answer) => end(answer))
    socket.bind(0, to.includes(':') ? '::1' : from, () =>
      socket.send(Buffer.concat([header, encodeQuestion(zone, 'MX', 7)]), proxyPort, to),
    )
  })
}

const exchanges = (answer: Buffer | null): string[] | null =>
  answer && ladderOf(decodeReply(answer)).map(({ exchange }) => exchange.split('.')[0] ?? '')

async function askTcp(header: Buffer): Promise<string[] | null> {
  const client = await openTcpClient(proxyPort)
  await client.write(Buffer.concat([header, framed(encodeQuestion(zone, 'MX', 7))]))
  const [answer] = await client.receive(1)
  client.destroy()
  return exchanges(answer ?? null)
}

describe('steering goes by the client of the header', () => {
  const clients = [
    ['in a network of a rule', proxyHeader({ source: inNetwork }), 'near'],
    ['in an IPv6 network of a rule', proxyHeader({ source: inNetwork6 }), 'near'],
    ['anywhere else', proxyHeader({ source: elsewhere }), 'far'],
    ['the proxy itself: LOCAL', localHeader, 'here'],
  ] as const

  it.each(clients)('%s, over UDP', async (_, header, target) => {
    expect(exchanges(await askUdp({ header }))).toEqual([target])
  })

  it.each(clients)('%s, over TCP', async (_, header, target) => {
    expect(await askTcp(header)).toEqual([target])
  })

  it('over IPv6 to the proxy listener', async () => {
    expect(
      exchanges(await askUdp({ header: proxyHeader({ source: inNetwork }), to: '::1' })),
    ).toEqual(['near'])
  })

  it('other listeners accept no headers', async () => {
    expect(rdataOf((await dig(server.port, zone, 'MX')).answer)).toEqual([`10 here.${zone}.`])
    const malformed = await server.metric('mxsteer_proxy_malformed_total')
    expect(malformed).toBe(0)
  })
})

describe('an unlisted proxy, or no valid header', () => {
  it('an unlisted sender is dropped over UDP, disconnected over TCP', async () => {
    expect(await askUdp({ header: proxyHeader(), from: '127.0.0.2' })).toBe(null)
    const { text } = await dig(proxyPort, zone, 'MX', '+tcp', '-b', '127.0.0.2').catch(
      (error: Error) => ({ text: error.message }),
    )
    expect(text).toMatch(/end of file|connection reset|communications error/)
    expect(await server.metric('mxsteer_proxy_unlisted_total')).toBe(2)
  })

  it('so is a listed one without a header', async () => {
    const before = (await server.metric('mxsteer_proxy_malformed_total')) ?? 0
    expect(await askUdp({})).toBe(null)
    expect(await askUdp({ header: proxyHeader({ command: 0x2f }) })).toBe(null)
    const client = await openTcpClient(proxyPort)
    await client.write(framed(encodeQuestion(zone, 'MX', 7)))
    expect(await client.closed(3000)).toBeLessThan(3000)
    expect(await server.metric('mxsteer_proxy_malformed_total')).toBe(before + 3)
    expect(exchanges(await askUdp({ header: proxyHeader() }))).toEqual(['near'])
  })
})

it('the rate limit goes by the client of the header', async () => {
  const flood = proxyHeader({ source: [203, 0, 113, 77] })
  const answers = { whole: 0, cut: 0, silent: 0 }
  for (let i = 0; i < 20; i++) {
    const answer = await askUdp({ header: flood })
    if (answer === null) answers.silent++
    else if (((answer[2] as number) & 2) !== 0) answers.cut++
    else answers.whole++
  }
  expect(answers.cut + answers.silent).toBeGreaterThan(0)
  // Somebody behind the same proxy has a measure of his own, and loopback is exempt.
  await pause(50)
  expect(exchanges(await askUdp({ header: proxyHeader({ source: [192, 0, 2, 200] }) }))).toEqual([
    'far',
  ])
  expect(exchanges(await askUdp({ header: localHeader }))).toEqual(['here'])
})

it('a proxy that asks from one port has one worker answer it, with the whole of the limit', async () => {
  const port = await freePort(['127.0.0.1'])
  const many = await startServer({
    zones: { 'proxy.yaml': zoneFile },
    settings: `proxy: { listen: "127.0.0.1:${port}", from: [127.0.0.1] }\n`,
    flags: ['--workers', '4'],
  })
  const socket = createSocket('udp4')
  try {
    const query = Buffer.concat([proxyHeader({ source: elsewhere }), encodeQuestion(zone, 'MX', 7)])
    // Of a burst of 250.
    const answers = await inTurn(socket, query, port, 200)
    expect(answers.filter((answer) => ladderOf(decodeReply(answer)).length === 1)).toHaveLength(200)
  } finally {
    socket.close()
    await many.stop()
  }
})

async function inTurn(
  socket: Socket,
  query: Buffer,
  port: number,
  count: number,
): Promise<Buffer[]> {
  const answers: Buffer[] = []
  while (answers.length < count) {
    const answered = once(socket, 'message')
    socket.send(query, port, '127.0.0.1')
    answers.push((await answered)[0] as Buffer)
  }
  return answers
}
