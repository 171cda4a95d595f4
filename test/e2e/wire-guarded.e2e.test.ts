// Cookies and the rate limit of the running server: dig keeps cookies, raw sockets flood.

import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { dig } from '../support/dig.ts'
import { decodeReply, encodeQuestion, framed, openTcpClient } from '../support/dns-client.ts'
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const zone = 'guarded.example.test'
const zones = {
  'guarded.yaml': `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
`,
}

const running: RunningServer[] = []
afterAll(() => Promise.all(running.map((server) => server.stop())))

async function serverOf(settings: string): Promise<RunningServer> {
  const config = join(temporaryFolder(), 'mxsteer.yaml')
  writeFileSync(config, settings)
  const server = await startServer({ zones, flags: ['--config', config, '--lameduck', '0s'] })
  running.push(server)
  return server
}

/** dig's cookie option in a reply: client and server cookie in hex. */
async function cookieOf(server: RunningServer, ...args: string[]): Promise<string> {
  const { text } = await dig(server.port, zone, 'SOA', '+nobadcookie', ...args)
  return /^; COOKIE: ([0-9a-f]+)/m.exec(text)?.[1] ?? 'none'
}

interface Replies {
  whole: number
  cut: number
  bare: number
}

interface Flood {
  readonly count: number
  /** A loopback address of its own is a client of its own. */
  readonly from?: string
  /** Ports to ask from: they decide which worker answers. */
  readonly ports?: number
  /** Options of an OPT. */
  readonly options?: Buffer
}

/** Sends fifty at a time and counts what comes, until all is there or nothing comes for three seconds. */
async function flood(
  server: RunningServer,
  { count, from = '127.0.0.1', ports = 1, options }: Flood,
): Promise<Replies> {
  const replies: Replies = { whole: 0, cut: 0, bare: 0 }
  let lastMs = performance.now()
  let lost = 0
  const sockets = Array.from({ length: ports }, () => createSocket('udp4'))
  for (const socket of sockets) {
    socket.on('message', (octets) => {
      lastMs = performance.now()
      const { header, answers } = decodeReply(octets)
      if (answers.length > 0) replies.whole++
      else if (header.tc === 1) replies.cut++
      else replies.bare++
    })
    await new Promise<void>((resolve) => socket.bind(0, from, resolve))
  }
  const seen = (): number => replies.whole + replies.cut + replies.bare
  /** Until there are so many replies, or nothing comes any more: what is above the limit may get silence. */
  const settled = (wanted: number): Promise<true> =>
    until(() => seen() >= wanted || performance.now() - lastMs > 3000, {
      what: 'the end of a flood',
      withinMs: 60_000,
      everyMs: 2,
    })
  const query = withOptions(encodeQuestion(zone, 'SOA', 7), options)
  for (let i = 0; i < count; i++) {
    sockets[i % ports]?.send(query, server.port, '127.0.0.1')
    // Receive buffers are not what is tested: what is in flight stays small.
    if (i % 50 !== 49) continue
    await settled(i + 1 - lost)
    lost = Math.max(lost, i + 1 - seen())
  }
  lastMs = performance.now()
  await settled(count - lost)
  for (const socket of sockets) socket.close()
  return replies
}

function withOptions(query: Buffer, options: Buffer | undefined): Buffer {
  if (options === undefined) return query
  const head = Buffer.from('00002904d000000000', 'hex')
  const withOpt = Buffer.concat([query, head, Buffer.from([0, options.length]), options])
  withOpt.writeUInt16BE(1, 10)
  return withOpt
}

const cookieOption = (hex: string): Buffer => {
  const cookie = Buffer.from(hex, 'hex')
  return Buffer.concat([Buffer.from([0, 10, 0, cookie.length]), cookie])
}

const [first, second] = ['0123456789abcdef'.repeat(2), 'fedcba9876543210'.repeat(2)]
/** A flood, where some get silence, begins at 75 owed: ten limited answers owe what one whole one does. */
const tight = 'rate_limit: { per_second: 1, burst: 50, exempt: [] }\nworkers: 1\n'

describe('the rate limit', () => {
  let server: RunningServer
  beforeAll(async () => {
    server = await serverOf(`${tight}cookie_secret: "${first}"\n`)
  })

  it('limits a client above it, and no other client', async () => {
    const replies = await flood(server, { count: 150 })
    expect(replies.whole).toBeGreaterThanOrEqual(50)
    // One more for each second that a busy machine takes.
    expect(replies.whole).toBeLessThan(120)
    expect(replies.whole + replies.cut).toBe(150)
    expect(await flood(server, { count: 40, from: '127.0.0.2' })).toMatchObject({ whole: 40 })
    expect(await server.metric('mxsteer_rate_limit_slipped_total')).toBe(replies.cut)
    expect(await server.metric('mxsteer_rate_limit_dropped_total')).toBe(0)
  })

  it('has dig come back over TCP, and does not limit it there', async () => {
    await flood(server, { count: 60 })
    const { text, answer } = await dig(server.port, zone, 'SOA')
    expect(answer).toHaveLength(1)
    expect(text).toContain('retrying in TCP mode')
    const tcp = await openTcpClient(server.port)
    const query = framed(encodeQuestion(zone, 'SOA', 3))
    await tcp.write(Buffer.concat(Array.from({ length: 100 }, () => query)))
    const replies = await tcp.receive(100)
    expect(replies.every((one) => decodeReply(one).answers.length === 1)).toBe(true)
    tcp.destroy()
  })

  it('answers BADCOOKIE to an invalid cookie, and does not limit a valid one', async () => {
    await flood(server, { count: 60 })
    const bad = await dig(server.port, zone, 'SOA', `+cookie=${'ab'.repeat(24)}`, '+nobadcookie')
    expect([bad.status, bad.answer.length, bad.flags.has('tc')]).toEqual(['BADCOOKIE', 0, false])
    const cookie = await cookieOf(server, '+cookie=1122334455667788')
    expect(cookie).toMatch(/^1122334455667788[0-9a-f]{32}$/)
    const options = cookieOption(cookie)
    expect(await flood(server, { count: 200, options })).toMatchObject({ whole: 200 })
    // From another address it proves nothing.
    const stolen = await flood(server, { count: 100, from: '127.0.0.3', options })
    expect(stolen.bare).toBeGreaterThan(30)
    expect(stolen.whole).toBeLessThan(70)
    // dig takes the new cookie by itself and asks again.
    const again = await dig(server.port, zone, 'SOA', '+cookie=8877665544332211', '+badcookie')
    expect([again.status, again.answer.length]).toEqual(['NOERROR', 1])
  })

  it('answers all and counts in a dry run', async () => {
    const dry = await serverOf(
      'rate_limit: { per_second: 2, burst: 20, exempt: [], dry_run: true }\n',
    )
    expect(await flood(dry, { count: 150 })).toEqual({ whole: 150, cut: 0, bare: 0 })
    expect(await dry.metric('mxsteer_rate_limit_slipped_total')).toBeGreaterThan(50)
  })

  it('is off on request', async () => {
    const off = await serverOf('rate_limit: { enabled: false, per_second: 1, exempt: [] }\n')
    expect(await flood(off, { count: 400 })).toMatchObject({ whole: 400 })
  })
})

describe('by default', () => {
  it('never limits loopback', async () => {
    const server = await serverOf('')
    expect(await flood(server, { count: 2000 })).toMatchObject({ whole: 2000 })
    expect(await server.metric('mxsteer_rate_limit_slipped_total')).toBe(0)
  })

  it('does not limit a resolver that repeatedly asks for a hundred names at once', async () => {
    const server = await serverOf('workers: 8\nrate_limit: { exempt: [] }\n')
    for (let round = 0; round < 3; round++) {
      expect(await flood(server, { count: 100, ports: 100 })).toMatchObject({ whole: 100 })
      await new Promise((resolve) => void setTimeout(resolve, 1500))
    }
    expect(await server.metric('mxsteer_rate_limit_slipped_total')).toBe(0)
  })
})

describe('secrets of cookies', () => {
  it('are shared by servers of one address; a new one is added before it signs', async () => {
    const staged = async (...secrets: string[]): Promise<RunningServer> =>
      serverOf(`${tight}cookie_secret: [${secrets.map((one) => `"${one}"`).join(', ')}]\n`)
    const servers = await Promise.all([staged(first), staged(first, second), staged(second, first)])
    const [old, prepared, changed] = servers
    const isProvenAt = async (server: RunningServer, cookie: string): Promise<boolean> => {
      await flood(server, { count: 100 })
      return (await flood(server, { count: 60, options: cookieOption(cookie) })).whole === 60
    }
    const oldCookie = await cookieOf(old, '+cookie=1122334455667788')
    for (const server of servers) expect(await isProvenAt(server, oldCookie)).toBe(true)
    const newCookie = await cookieOf(changed, '+cookie=1122334455667788')
    expect(await isProvenAt(prepared, newCookie)).toBe(true)
    // Who was not given it does not know it, and answers as ever when it is not limited.
    expect(await isProvenAt(old, newCookie)).toBe(false)
  })

  it('without a question a cookie is given and confirmed (RFC 7873 §5.4)', async () => {
    const [server] = running as [RunningServer]
    const bare = ['+header-only', '+edns=0', '+nobadcookie']
    const client = '+cookie=99aabbccddeeff00'
    const got = await dig(server.port, zone, ...bare, client)
    const cookie = /^; COOKIE: ([0-9a-f]{48}) \(good\)/m.exec(got.text)?.[1] ?? ''
    expect([got.status, cookie.slice(0, 16)]).toEqual(['NOERROR', '99aabbccddeeff00'])
    expect((await dig(server.port, zone, ...bare, `+cookie=${cookie}`)).status).toBe('NOERROR')
    const wrong = `${cookie.slice(0, -2)}${cookie.endsWith('00') ? '01' : '00'}`
    expect((await dig(server.port, zone, ...bare, `+cookie=${wrong}`)).status).toBe('BADCOOKIE')
    expect((await dig(server.port, zone, ...bare)).status).toBe('FORMERR')
  })
})
