// Datagrams and connections that start with a PROXY header, from listed proxies and from other addresses.

import { afterEach, describe, expect, test } from 'vitest'

import type { Peer, Respond } from '../../../src/answer/context.ts'
import { createCounters } from '../../../src/answer/counters.ts'
import { respondThroughProxy } from '../../../src/transport/stream/proxy-protocol.ts'
import { listenProxiedTcp } from '../../../src/transport/stream/tcp.ts'
import { localHeader, proxyHeader } from '../../support/proxy-header.ts'
import {
  type StreamBench,
  closeStreams,
  echo,
  framedQuery as query,
  openStream,
  serveStreams,
} from '../../support/stream-client.ts'
import { until } from '../../support/wait.ts'

afterEach(closeStreams)

const loopback = [{ octets: Uint8Array.of(127, 0, 0, 1), prefixLength: 32 }]

/** Echoes queries and records their clients. */
function recorder(): { readonly peers: Peer[]; readonly respond: Respond } {
  const peers: Peer[] = []
  return {
    peers,
    respond(packet, offset, length, peer, ...out) {
      peers.push({ ...peer, octets: peer.octets.slice() })
      return echo(packet, offset, length, peer, ...out)
    },
  }
}

describe('over TCP', () => {
  const serve = (respond: Respond = echo, limits = {}): Promise<StreamBench> =>
    serveStreams(
      (endpoint, context) => listenProxiedTcp(endpoint, context, loopback),
      respond,
      limits,
    )

  test('the client of the header is the peer, wherever the stream is split', async () => {
    const { peers, respond } = recorder()
    const { port } = await serve(respond)
    const { socket, receive } = await openStream(port)
    const stream = Buffer.concat([
      proxyHeader({ family: 0x11, tlvs: [4, 0, 1, 0] }),
      query(1),
      query(2),
    ])
    for (const octet of stream) {
      socket.write(Buffer.of(octet))
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await receive(44)).toEqual(Buffer.concat([query(1), query(2)]))
    const client = {
      family: 4,
      octets: Uint8Array.of(198, 51, 100, 7),
      port: 40_000,
      transport: 'tcp',
    }
    expect(peers).toEqual([client, client])
  })

  test('LOCAL is the proxy itself', async () => {
    const { peers, respond } = recorder()
    const { port } = await serve(respond)
    const { socket, receive } = await openStream(port)
    socket.write(Buffer.concat([localHeader, query(1)]))
    expect(await receive(22)).toEqual(query(1))
    expect(peers.map((peer) => peer.octets)).toEqual([Uint8Array.of(127, 0, 0, 1)])
  })

  test.each([
    ['no header', query(1)],
    ['a bad header', Buffer.concat([proxyHeader({ command: 0x2f }), query(1)])],
    ['version 1', Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n')],
  ])('%s: closed without an answer, and counted', async (_, octets) => {
    const { port, counters, context } = await serve()
    const { socket, ended, received } = await openStream(port)
    socket.write(octets)
    await ended
    expect(received().length).toBe(0)
    expect(counters.read().scalars.proxyMalformed).toBe(1)
    await until(() => context.table.size === 0, {
      what: 'the connection removed',
      withinMs: 30_000,
    })
  })

  test('an unlisted proxy is disconnected at once, and is not in the table', async () => {
    const { port, counters, context } = await serve()
    const { socket, ended, received } = await openStream(port, '127.0.0.2')
    socket.write(Buffer.concat([proxyHeader(), query(1)]))
    await ended
    expect(received().length).toBe(0)
    expect(context.table.size).toBe(0)
    expect(counters.read().scalars).toMatchObject({ proxyUnlisted: 1, tcpAccepted: 0 })
  })

  test('a header that never ends', async () => {
    const { port, counters } = await serve(echo, { firstQueryMs: 600 })
    const { socket, ended } = await openStream(port)
    const drip = setInterval(() => socket.write(Buffer.of(0)), 50)
    socket.write(proxyHeader({ tlvs: Array<number>(5000).fill(0) }).subarray(0, 60))
    await ended
    clearInterval(drip)
    expect(counters.read().scalars.tcpClosedByLimit).toBe(1)
  })

  test('limits apply to the client, not to its proxy', async () => {
    const { port, context } = await serve(echo, { perClient: 2 })
    const open = async (last: number) => {
      const stream = await openStream(port)
      stream.socket.write(
        Buffer.concat([proxyHeader({ source: [198, 51, 100, last] }), query(last)]),
      )
      expect(await stream.receive(22)).toEqual(query(last))
      return stream
    }
    const [first] = [await open(1), await open(1), await open(2), await open(2)]
    expect(context.table.size).toBe(4)
    await open(1)
    await first?.ended
    expect(context.table.size).toBe(4)
  })
})

describe('over UDP', () => {
  const proxy: Peer = {
    family: 4,
    octets: Uint8Array.of(127, 0, 0, 1),
    port: 999,
    transport: 'udp',
  }
  const out = new Uint8Array(600)

  function exchange(packet: Uint8Array, from: Peer = proxy) {
    const { peers, respond } = recorder()
    const counters = createCounters()
    const proxied = respondThroughProxy(respond, loopback, counters)
    const buffer = Buffer.concat([Buffer.alloc(3, 0xee), packet, Buffer.alloc(3, 0xee)])
    const octets = proxied(buffer, 3, packet.length, from, out, 5)
    const { proxyUnlisted, proxyMalformed } = counters.read().scalars
    return {
      peers,
      answer: Buffer.from(out.subarray(5, 5 + octets)),
      proxyUnlisted,
      proxyMalformed,
    }
  }
  const dns = query(3).subarray(2)

  test('the client of the header is the peer; the answer is plain', () => {
    const { peers, answer } = exchange(Buffer.concat([proxyHeader(), dns]))
    expect(answer).toEqual(dns)
    expect(peers).toEqual([
      { family: 4, octets: Uint8Array.of(198, 51, 100, 7), port: 40_000, transport: 'udp' },
    ])
  })

  test('LOCAL is the proxy itself', () => {
    const { peers, answer } = exchange(Buffer.concat([localHeader, dns]))
    expect(answer).toEqual(dns)
    expect(peers).toEqual([proxy])
  })

  test('datagrams from an unlisted proxy are dropped', () => {
    const stranger = { ...proxy, octets: Uint8Array.of(127, 0, 0, 2) }
    const { peers, answer, proxyUnlisted } = exchange(Buffer.concat([proxyHeader(), dns]), stranger)
    expect({ peers, octets: answer.length, proxyUnlisted }).toEqual({
      peers: [],
      octets: 0,
      proxyUnlisted: 1,
    })
  })

  test('every truncated header is dropped', () => {
    const header = proxyHeader({ tlvs: [4, 0, 2, 1, 1] })
    for (let octets = 0; octets < header.length; octets++) {
      const { peers, proxyMalformed } = exchange(header.subarray(0, octets))
      expect({ octets, peers, proxyMalformed }).toEqual({ octets, peers: [], proxyMalformed: 1 })
    }
  })
})
