// Sockets of systemd, handed over by its own systemd-socket-activate: the question that starts the server is answered by it.

import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, describe, expect, test } from 'vitest'

import { openTcpClient, encodeQuestion, framed, openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { mailDomain, mailZone } from '../support/mail-zone.ts'
import {
  type Launched,
  mainFile,
  stopChild,
  temporaryFolder,
  watchChild,
} from '../support/server.ts'

let server: Launched | undefined
afterEach(async () => void (server && (await stopChild(server, 30_000))))

/** As `mxsteer.socket` has it: one socket for UDP and one for TCP of an address. */
function activate(address: string, args: readonly string[]): Launched {
  const udp = ['--datagram', '--listen', address, '--fdname=dns']
  const tcp = ['systemd-socket-activate', '--listen', address, '--fdname=dns']
  const environment = ['PATH', 'NODE_COMPILE_CACHE'].flatMap((name) => ['--setenv', name])
  const command = [...udp, ...environment, ...tcp, ...environment, process.execPath, mainFile]
  return watchChild(
    spawn('systemd-socket-activate', [...command, ...args], { stdio: ['ignore', 'pipe', 'pipe'] }),
  )
}

function serveArgs(listen: string, settings: string): readonly string[] {
  const folder = temporaryFolder()
  const zone = mailZone({
    targets: { mx1: { address: '127.0.0.84', weight: 1 } },
    port: 9,
    probe: { level: 'banner' },
  })
  writeFileSync(join(folder, 'mail.yaml'), zone)
  writeFileSync(join(folder, 'settings.conf'), `lameduck: 0\nworkers: 2\nadmin: off\n${settings}`)
  const config = ['--config', join(folder, 'settings.conf')]
  return ['serve', '--zones', folder, '--listen', listen, ...config]
}

describe.each(['mmsg', 'dgram'])('by %s', (transport) => {
  test.each(['127.0.0.1', '::1'])('what is asked of %s waits, and is answered', async (address) => {
    const port = await freePort([address])
    const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
    server = activate(place, serveArgs(place, `transport: ${transport}\n`))
    const client = openUdpClient(port, address)
    // Nobody reads the socket before systemd-socket-activate has opened it; that is why it is asked again.
    const answers = await Promise.any(
      Array.from({ length: 60 }, async (_, i) => {
        await new Promise((resolve) => setTimeout(resolve, 500 * i))
        return (await client.ask(mailDomain, 'SOA', 60_000)).answers.length
      }),
    )
    expect(answers).toBe(1)
    client.close()
    if (address === '127.0.0.1') {
      const tcp = await openTcpClient(port)
      await tcp.write(framed(encodeQuestion(mailDomain, 'SOA', 7)))
      expect((await tcp.receive(1))[0]?.readUInt16BE(6)).toBe(1)
      tcp.destroy()
    }
    server.signal('SIGTERM')
    expect(await server.exited).toEqual({ code: 0, signal: null })
  })
})

test('a socket that no setting names: the server does not start, and says which', async () => {
  const [port, other] = [await freePort(), await freePort()]
  server = activate(`127.0.0.1:${port}`, serveArgs(`127.0.0.1:${other}`, ''))
  const client = openUdpClient(port)
  const asking = setInterval(() => void client.sendRaw(Buffer.alloc(12)), 200)
  const exit = await server.exited
  clearInterval(asking)
  client.close()
  expect(exit).toEqual({ code: 3, signal: null })
  expect(server.stderr()).toContain(
    `socket of the service manager (dns): no setting names UDP 127.0.0.1:${port}: those for UDP are 127.0.0.1:${other}`,
  )
})
