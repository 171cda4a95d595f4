// One question to servers that misbehave: each ends in time, with a word, and leaves no connection behind.

import { afterEach, describe, expect, it } from 'vitest'

import { type QueryOptions, query } from '../../src/resolver/query.ts'
import type { QueryType, Response } from '../../src/resolver/response.ts'
import { freePort } from '../support/free-ports.ts'
import {
  type DnsScript,
  type ScriptedDns,
  framed,
  recordOf,
  replyTo,
  startScriptedDns,
} from '../support/scripted-dns.ts'
import { until } from '../support/wait.ts'

const timeoutMs = 400
let server: ScriptedDns | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

async function ask(
  script: DnsScript,
  given: Partial<QueryOptions> & { readonly address?: string; readonly type?: QueryType } = {},
): Promise<Response> {
  const { address, type = 'A', ...options } = given
  server = await startScriptedDns(script, address)
  const question = { name: 'mx1.example.test', type }
  return query(server, question, { timeoutMs, isRecursive: true, ...options })
}

const hostile = [192, 0, 2, 25]
const answered = (query: Buffer): Buffer => replyTo(query, { records: [recordOf(1, 60, hostile)] })
const truncated = (query: Buffer): readonly Buffer[] => [replyTo(query, { flags: 0x8380 })]
const found = { owner: 'mx1.example.test', type: 'A', ttlSeconds: 60, data: '192.0.2.25' }

describe('over UDP', () => {
  it('reads an answer', async () => {
    const reply = await ask({ udp: (query) => [answered(query)] })
    expect(reply).toMatchObject({ kind: 'reply', rcode: 0, answers: [found] })
  })

  it('asks once more where there is silence, and gives up in time', async () => {
    const begun = performance.now()
    expect(await ask({})).toEqual({ kind: 'failed', why: 'timeout' })
    const tookMs = performance.now() - begun
    expect(server?.asked.udp).toBe(2)
    expect(tookMs).toBeGreaterThan(2 * timeoutMs - 20)
    expect(tookMs).toBeLessThan(75 * timeoutMs)
  })

  it('waits for the right one among replies with a wrong id and octets that are none', async () => {
    const strange = (query: Buffer): Buffer => {
      const other = answered(query)
      other.writeUInt16BE((query.readUInt16BE(0) + 1) & 0xffff, 0)
      return other
    }
    const reply = await ask({
      udp: (query) => [Buffer.from('no dns'), strange(query), answered(query)],
    })
    expect(reply).toMatchObject({ kind: 'reply', answers: [found] })
  })

  it('takes no reply that answers another question, and no query for a reply', async () => {
    const other = (query: Buffer): Buffer => {
      const reply = answered(query)
      reply.write('mx2', 13, 'latin1')
      return reply
    }
    expect(await ask({ udp: (query) => [other(query)] })).toEqual({
      kind: 'failed',
      why: 'strange-reply',
    })
    await server?.close()
    const echoed = await ask({ udp: (query) => [query] })
    expect(echoed).toEqual({ kind: 'failed', why: 'strange-reply' })
  })

  it('takes no answer for whole whose records are cut off', async () => {
    const cut = (query: Buffer): Buffer => answered(query).subarray(0, -2)
    expect(await ask({ udp: (query) => [cut(query)] })).toEqual({
      kind: 'failed',
      why: 'strange-reply',
    })
  })

  it('recognises a closed port', async () => {
    const port = await freePort()
    const question = { name: 'mx1.example.test', type: 'A' } as const
    const options = { timeoutMs, isRecursive: true }
    const reply = await query({ address: '127.0.0.1', port }, question, options)
    // Linux tells no unconnected socket of it: then it is silence.
    expect(['refused-connection', 'timeout']).toContain(reply.kind === 'failed' ? reply.why : '')
  })

  it('asks over IPv6', async () => {
    const reply = await ask({ udp: (query) => [answered(query)] }, { address: '::1' })
    expect(reply).toMatchObject({ kind: 'reply', answers: [found] })
  })
})

describe('where the answer is cut short', () => {
  it.each(['127.0.0.1', '::1'])('asks over TCP, at %s', async (address) => {
    const reply = await ask(
      { udp: truncated, tcp: (query) => framed(answered(query)) },
      { address },
    )
    expect(reply).toMatchObject({ kind: 'reply', isTruncated: false, answers: [found] })
    expect(server?.asked).toEqual({ udp: 1, tcp: 1 })
  })

  it.each<[string, DnsScript['tcp'], string]>([
    ['says nothing', () => null, 'timeout'],
    ['resets', () => 'reset', 'reset'],
    ['never ends its message', (query) => framed(answered(query)).subarray(0, 20), 'timeout'],
    ['answers with another id', (query) => framed(wrongId(answered(query))), 'strange-reply'],
    ['answers with noise', () => framed(Buffer.from('noise')), 'strange-reply'],
  ])('gives up in time when TCP %s, and hangs up', async (_, tcp, why) => {
    const begun = performance.now()
    expect(await ask({ udp: truncated, ...(tcp && { tcp }) })).toEqual({ kind: 'failed', why })
    expect(performance.now() - begun).toBeLessThan(75 * timeoutMs)
    await until(() => server?.connections() === 0, { what: 'no connection', withinMs: 30_000 })
  })
})

const wrongId = (reply: Buffer): Buffer => {
  reply.writeUInt16BE((reply.readUInt16BE(0) + 1) & 0xffff, 0)
  return reply
}

it('settles whatever it is answered with', async () => {
  let seed = 7
  const chance = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647
  const mangled = (query: Buffer): readonly Buffer[] => {
    const reply = answered(query)
    for (let i = 0; i < 4; i++)
      reply[4 + Math.floor(chance() * (reply.length - 4))] = Math.floor(chance() * 256)
    return [reply]
  }
  server = await startScriptedDns({ udp: mangled, tcp: (query) => framed(answered(query)) })
  const question = { name: 'mx1.example.test', type: 'A' } as const
  const options = { timeoutMs, isRecursive: true }
  for (let i = 0; i < 300; i++) {
    const reply = await query(server, question, options)
    expect(['reply', 'failed']).toContain(reply.kind)
  }
})

it.each(['a..b', `${'x'.repeat(64)}.test`, `${'x.'.repeat(127)}test`])(
  'sends no query for %s',
  async (name) => {
    server = await startScriptedDns({})
    const options = { timeoutMs, isRecursive: true }
    const reply = await query(server, { name, type: 'A' }, options)
    expect(reply).toEqual({ kind: 'failed', why: 'name-too-long' })
    expect(server.asked.udp).toBe(0)
  },
)
