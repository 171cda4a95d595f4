// The admin HTTP: what it says of the server, and what a client of it may cost.

import { connect } from 'node:net'

import { afterAll, describe, expect, it } from 'vitest'

import { openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { exchangeOf, mailDomain, mailZone } from '../support/mail-zone.ts'
import { type OddMta, mute, startOddMta } from '../support/odd-mtas.ts'
import { parsePrometheus } from '../support/prometheus-text.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const targets = {
  slow: { address: '127.0.0.41', weight: 1 },
  none: { address: '127.0.0.42', weight: 1 },
}

let slow: OddMta

const server = servedZone(async () => {
  const port = await freePort(Object.values(targets).map(({ address }) => address))
  slow = await startOddMta(targets.slow.address, port, mute)
  // Its first probe takes so long that a busy machine has started the server by then: the first round is not done.
  const zone = mailZone({ targets, port, probe: { banner_timeout: '15s', fall: 1 } })
  return { zones: { 'admin.yaml': zone } }
})
afterAll(async () => {
  await slow?.close()
})

interface Readiness {
  readonly ready: boolean
  readonly reasons: readonly string[]
}

/** Sends `octets` to the admin port; all that comes back until it closes, `withinMs` at most. */
const raw = (octets: string | Buffer, withinMs = 8000): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: server.adminPort })
    let text = ''
    const overdue = setTimeout(() => {
      socket.destroy()
      reject(new Error(`still open after ${withinMs} ms, with: ${text.slice(0, 200)}`))
    }, withinMs)
    socket.setEncoding('latin1').on('data', (chunk: Buffer | string) => (text += String(chunk)))
    // A reset after the reply is a way of closing.
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(overdue)
      resolve(text)
    })
    socket.write(octets)
  })

describe('readiness', () => {
  it('waits for the first round of probes, while the server lives and answers', async () => {
    const first = await server.http('/readyz')
    const { ready, reasons } = JSON.parse(first.body) as Readiness
    expect([first.status, ready]).toEqual([503, false])
    expect(reasons.join()).toMatch(/prob/)
    expect(await server.http('/livez')).toMatchObject({
      status: 200,
      body: expect.stringMatching(/^ok/) as string,
    })
    const client = openUdpClient(server.port)
    expect((await client.ask(mailDomain, 'MX')).answers).toHaveLength(2)
    client.close()
  })

  it('comes although every target is down: that is what the answers are for', async () => {
    await until(async () => (await server.http('/readyz')).status === 200, {
      what: '/readyz 200',
      withinMs: 60_000,
    })
    const { ready, reasons } = JSON.parse((await server.http('/readyz')).body) as Readiness
    expect([ready, reasons]).toEqual([true, []])
    for (const target of Object.keys(targets)) await server.waitForState(target, 'down', 60_000)
    expect((await server.http('/readyz')).status).toBe(200)
  }, 600_000)
})

describe('metrics', () => {
  it('are text that Prometheus takes, with nothing of what clients sent in it', async () => {
    const client = openUdpClient(server.port)
    await client.ask(`secret-name.${mailDomain}`, 'A')
    await client.ask(mailDomain, 'MX')
    await client.ask('elsewhere.test', 'AAAA')
    client.close()
    const { type, body } = await server.http('/metrics')
    expect(type).toMatch(/^text\/plain/)
    expect(body).not.toContain('secret-name')
    expect(body).not.toContain('elsewhere')
    const samples = parsePrometheus(body)
    const sum = (name: string, ...labels: [string, string][]): number =>
      samples
        .filter(
          (one) =>
            one.name === name && labels.every(([key, value]) => one.labels.get(key) === value),
        )
        .reduce((total, one) => total + one.value, 0)
    expect(sum('mxsteer_queries_total', ['type', 'MX'])).toBeGreaterThanOrEqual(1)
    expect(sum('mxsteer_responses_total', ['rcode', 'NXDOMAIN'])).toBe(1)
    expect(sum('mxsteer_responses_total', ['rcode', 'REFUSED'])).toBe(1)
    expect(sum('mxsteer_responses_total')).toBe(sum('mxsteer_queries_total'))
    expect(sum('mxsteer_answers_total', ['target', 'slow'], ['zone', mailDomain])).toBeGreaterThan(
      0,
    )
    for (const [target, { address }] of Object.entries(targets)) {
      expect(sum('mxsteer_target_up', ['target', target], ['address', address])).toBe(0)
      expect(sum('mxsteer_target_weight', ['target', target])).toBe(1)
    }
    expect(sum('mxsteer_probe_outcomes_total', ['kind', 'mute'])).toBeGreaterThanOrEqual(1)
    expect(sum('mxsteer_probe_outcomes_total')).toBe(sum('mxsteer_probe_seconds_count'))
    expect(sum('mxsteer_config_last_reload_successful')).toBe(1)
    expect(sum('process_resident_memory_bytes')).toBeGreaterThan(2 ** 20)
    expect(sum('process_cpu_seconds_total')).toBeGreaterThan(0)
  })
})

describe('targets', () => {
  it('tell state, reason and the last dialogue', async () => {
    const found = new Map((await server.targets()).map((one) => [one.target, one]))
    expect([...found.keys()].sort()).toEqual(['none', 'slow'])
    expect(found.get('slow')).toMatchObject({
      zone: expect.stringContaining(mailDomain) as string,
      address: targets.slow.address,
      state: 'down',
      reason: 'banner-timeout',
      last: { kind: 'mute', code: null },
    })
    expect(found.get('slow')?.last?.durationMs).toBeGreaterThan(2500)
    expect(found.get('none')).toMatchObject({ state: 'down', reason: 'connect-refused' })
    expect(exchangeOf('slow')).toMatch(/^slow\./)
  })
})

describe('what a client may cost', () => {
  it('knows GET, four paths, and no more', async () => {
    expect((await server.http('/')).status).toBe(404)
    expect((await server.http('/targets/../../etc/passwd')).status).toBe(404)
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'])
      expect((await server.http('/livez', method)).status).toBe(405)
  })

  it('refuses headers beyond 8 KiB and bodies', async () => {
    const long = `GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`
    expect(await raw(long)).toMatch(/^HTTP\/1\.1 431 /)
    const longPath = `GET /${'y'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`
    expect(await raw(longPath)).toMatch(/^HTTP\/1\.1 4(31|14) /)
    const before = server.rssOctets()
    const body = Buffer.alloc(32 * 2 ** 20, 'z')
    const head = `GET /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${body.length}\r\n\r\n`
    expect(await raw(Buffer.concat([Buffer.from(head), body]))).toMatch(/^HTTP\/1\.1 413 |^$/)
    expect(server.rssOctets() - before).toBeLessThan(24 * 2 ** 20)
  })

  it('hangs up on one who never ends the headers', async () => {
    expect(await raw('GET /livez HTTP/1.1\r\nX-Slow: ', 9000)).toMatch(/^(HTTP\/1\.1 408 |$)/)
  })

  it('takes what is no HTTP at all', async () => {
    expect(await raw('\0\x01\x02 EHLO\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)
    expect((await server.http('/livez')).status).toBe(200)
  })
})
