// DNS over TLS as clients use it, and its certificate as operators renew it.

import { execFileSync } from 'node:child_process'
import { connect as connectTcp } from 'node:net'
import { type TLSSocket, connect } from 'node:tls'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { type TestCertificate, makeCertificate, replaceFile } from '../support/certificate.ts'
import { dig, rdataOf } from '../support/dig.ts'
import { decodeReply, encodeQuestion, framed } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { kdig } from '../support/kdig.ts'
import { buildQuery } from '../support/packet-builder.ts'
import { launch, temporaryFolder } from '../support/server.ts'
import { type StreamClient, followStream } from '../support/stream-client.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const zone = 'tls.example.test'
const zoneFile = `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
  long: { TXT: [${Array.from({ length: 30 }, (_, i) => `'"${'x'.repeat(100)}${i}"'`).join(', ')}] }
`

let tlsPort: number
let first: TestCertificate
let second: TestCertificate
const server = servedZone(async () => {
  first = makeCertificate('first.example.test')
  second = makeCertificate('second.example.test')
  tlsPort = await freePort()
  const settings = `tls: { listen: "127.0.0.1:${tlsPort}", certificate: ${first.certificate}, key: ${first.key} }\ntransfer: { allow: 127.0.0.1 }`
  return {
    zones: { 'tls.yaml': zoneFile },
    settings,
    flags: ['--workers', '1'],
  }
})

interface TlsClient extends StreamClient {
  readonly tls: TLSSocket
}

const openTls = (): Promise<TlsClient> =>
  new Promise((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port: tlsPort, rejectUnauthorized: false, ALPNProtocols: ['dot'] },
      () => resolve({ ...followStream(socket), tls: socket }),
    )
    socket.once('error', reject)
  })

const nameIn = (client: TlsClient): string => String(client.tls.getPeerCertificate().subject.CN)

/** One question over an open connection; its answer. */
async function ask(client: TlsClient, name: string): Promise<string[]> {
  const had = client.received().length
  client.tls.write(framed(encodeQuestion(name, 'A', 9)))
  const octets = await client.receive(had + 30)
  return decodeReply(octets.subarray(had + 2)).answers.map((record) => record.address ?? '')
}

describe('queries', () => {
  it('kdig is answered, its session encrypted, the certificate as given', async () => {
    const pin = execFileSync(
      'sh',
      [
        '-c',
        'openssl x509 -in "$1" -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64',
        '-',
        first.certificate,
      ],
      { encoding: 'utf8' },
    ).trim()
    const text = await kdig(tlsPort, '+tls', `+tls-pin=${pin}`, `ns1.${zone}`, 'A')
    expect(text).toMatch(/TLS session \(TLS1\.3\)/)
    expect(text).toMatch(/ns1\.tls\.example\.test\.\s+\d+\s+IN\s+A\s+192\.0\.2\.53/)
  })

  it('TLS 1.2 is accepted, and ALPN selects dot', async () => {
    const client = await openTls()
    expect(client.tls.alpnProtocol).toBe('dot')
    client.tls.destroy()
    const old = execFileSync(
      'openssl',
      ['s_client', '-connect', `127.0.0.1:${tlsPort}`, '-tls1_2', '-alpn', 'dot'],
      { input: '', stdio: ['pipe', 'pipe', 'ignore'], encoding: 'utf8' },
    )
    expect(old).toMatch(/Protocol\s*: TLSv1\.2/)
  })

  it('padded ones get answers of multiples of 468 octets, others do not', async () => {
    const client = await openTls()
    const padding = [0, 12, 0, 4, 0, 0, 0, 0]
    const sizes: number[] = []
    for (const name of [zone, `ns1.${zone}`, `long.${zone}`, `nothing.${zone}`]) {
      for (const options of [padding, []]) {
        const had = client.received().length
        client.tls.write(
          framed(buildQuery({ name, type: name.startsWith('long') ? 16 : 1, opts: [{ options }] })),
        )
        const octets = await client.receive(had + 30)
        const size = octets.readUInt16BE(had)
        expect((await client.receive(had + 2 + size)).length).toBe(had + 2 + size)
        if (options.length > 0) expect(size % 468).toBe(0)
        else sizes.push(size)
      }
    }
    expect(sizes.filter((size) => size % 468 === 0)).toEqual([])
    client.tls.destroy()
  })

  it('a whole zone (RFC 9103)', async () => {
    const text = await kdig(tlsPort, '+tls', zone, 'AXFR')
    expect(text.match(/\sSOA\s/g)).toHaveLength(2)
    expect(text).toMatch(/ns1\.tls\.example\.test\.\s+\d+\s+IN\s+A\s+192\.0\.2\.53/)
  })

  it('many in one write, answered in their order', async () => {
    const client = await openTls()
    const ids = Array.from({ length: 300 }, (_, i) => i + 1)
    client.tls.write(Buffer.concat(ids.map((id) => framed(encodeQuestion(`ns1.${zone}`, 'A', id)))))
    const answered = (): number[] => idsOf(client.received())
    await until(() => answered().length === ids.length, { what: '300 answers', withinMs: 30_000 })
    expect(answered()).toEqual(ids)
    client.tls.destroy()
  })
})

function idsOf(stream: Buffer): number[] {
  const ids: number[] = []
  for (let at = 0; at + 4 <= stream.length; at += 2 + stream.readUInt16BE(at))
    if (at + 2 + stream.readUInt16BE(at) <= stream.length) ids.push(stream.readUInt16BE(at + 2))
  return ids
}

describe('octets that are not TLS', () => {
  it.each([
    ['plain DNS', framed(encodeQuestion(zone, 'A', 1))],
    ['garbage', Buffer.alloc(5000, 0xa5)],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a hello cut short', Buffer.from('16030100c8010000c4', 'hex')],
  ])('%s is counted and closed, and does no harm', async (_, octets) => {
    const failed = (await server.metric('mxsteer_tls_failed_total')) ?? 0
    const socket = connectTcp({ host: '127.0.0.1', port: tlsPort })
    const client = followStream(socket)
    socket.write(octets)
    await client.ended
    await until(async () => ((await server.metric('mxsteer_tls_failed_total')) ?? 0) > failed, {
      what: 'a failed handshake',
      withinMs: 30_000,
    })
    const other = await openTls()
    expect(await ask(other, `ns1.${zone}`)).toEqual(['192.0.2.53'])
    other.tls.destroy()
  })

  it('TLS connections count against the same limits as TCP ones', async () => {
    const closed = (await server.metric('mxsteer_tcp_closed_by_limit_total')) ?? 0
    const clients: TlsClient[] = []
    for (let i = 0; i < 22; i++) {
      const client = await openTls()
      await ask(client, `ns1.${zone}`)
      clients.push(client)
    }
    // 20 a client: the two that were idle for longest are gone, the last one is served.
    await Promise.all(clients.slice(0, 2).map((client) => client.ended))
    expect(await server.metric('mxsteer_tcp_closed_by_limit_total')).toBe(closed + 2)
    expect(await ask(clients[21] as TlsClient, `ns1.${zone}`)).toEqual(['192.0.2.53'])
    // Of the same client, over TCP: the next to go is a TLS one.
    expect(rdataOf((await dig(server.port, `ns1.${zone}`, 'A', '+tcp')).answer)).toEqual([
      '192.0.2.53',
    ])
    await (clients[2] as TlsClient).ended
    for (const client of clients) client.tls.destroy()
  })
})

describe('a renewed certificate', () => {
  const events = (event: string): number =>
    server.logs().filter((line) => line.event === event).length
  const shown = async (): Promise<string> => {
    const client = await openTls()
    const name = nameIn(client)
    client.tls.destroy()
    return name
  }

  it('a certificate without its key changes nothing, and is logged', async () => {
    expect(await server.metric('mxsteer_tls_last_reload_successful')).toBe(1)
    replaceFile(second.certificate, first.certificate)
    await until(async () => (await server.metric('mxsteer_tls_last_reload_successful')) === 0, {
      what: 'the metric at 0',
      withinMs: 60_000,
    })
    await server.waitForLog(({ event }) => event === 'certificate.rejected')
    expect(events('certificate.rejected')).toBe(1)
    expect(await shown()).toBe('first.example.test')
  })

  it('a new pair is used for new handshakes, and old connections continue', async () => {
    const old = await openTls()
    expect(nameIn(old)).toBe('first.example.test')
    expect(await ask(old, `ns1.${zone}`)).toEqual(['192.0.2.53'])
    replaceFile(second.key, first.key)
    await until(async () => (await shown()) === 'second.example.test', {
      what: 'the second certificate',
      withinMs: 60_000,
    })
    expect(await ask(old, `ns1.${zone}`)).toEqual(['192.0.2.53'])
    old.tls.destroy()
    expect(await server.metric('mxsteer_tls_last_reload_successful')).toBe(1)
    await server.waitForLog(({ event }) => event === 'certificate.loaded')
    expect(events('certificate.loaded')).toBe(1)
    const end = execFileSync('openssl', ['x509', '-in', second.certificate, '-noout', '-enddate'], {
      encoding: 'utf8',
    })
    const expiry = Date.parse(end.replace('notAfter=', '')) / 1000
    expect(await server.metric('mxsteer_tls_certificate_expiry_timestamp_seconds')).toBe(expiry)
  })

  it('garbage changes nothing, also on SIGHUP', async () => {
    writeFileSync(first.key, 'no key')
    server.signal('SIGHUP')
    await until(() => events('certificate.rejected') > 1, { what: 'a rejection', withinMs: 60_000 })
    expect(await shown()).toBe('second.example.test')
  })
})

describe('does not start', () => {
  async function start(settings: string): Promise<{ code: number | null; stderr: string }> {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'tls.yaml'), zoneFile)
    writeFileSync(join(folder, 'settings'), settings)
    const own = ['--listen', `127.0.0.1:${await freePort()}`, '--admin', 'off']
    const child = launch(['serve', '--zones', folder, '--config', join(folder, 'settings'), ...own])
    const { code } = await child.exited
    return { code, stderr: child.stderr() }
  }
  const withPair = (
    port: number,
    { certificate, key }: { certificate: string; key: string },
  ): string => `tls: { listen: "127.0.0.1:${port}", certificate: ${certificate}, key: ${key} }`

  it('with a pair that does not fit', async () => {
    const { certificate } = makeCertificate('third.example.test')
    const { code, stderr } = await start(
      withPair(await freePort(), { certificate, key: second.key }),
    )
    expect(code).toBe(2)
    expect(stderr).toContain(`the key is not that of ${certificate}`)
  })

  it.each(['tls', 'proxy'])('when the address for %s is taken', async (what) => {
    const taken = `127.0.0.1:${tlsPort}`
    const settings =
      what === 'tls' ? withPair(tlsPort, second) : `proxy: { listen: "${taken}", from: 127.0.0.1 }`
    const { code, stderr } = await start(settings)
    expect(code).toBe(3)
    expect(stderr).toContain(`cannot listen on TCP ${taken}`)
    expect(stderr).toContain('EADDRINUSE')
  })
})
