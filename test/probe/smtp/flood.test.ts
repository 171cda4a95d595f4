// Five hundred targets whose banners never end, at full speed: what they cost a prober in a process of its own,
// over what as many decent ones cost it. Its young generation is kept small: how far that grows between two
// collections tells of V8 and not of what is kept.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const probesAtOnce = 500
const source = (path: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../../src/${path}`, import.meta.url)))
const flood = Buffer.alloc(1 << 16, '220-flood flood flood flood\r\n')

let floods: Server
let decent: Server

beforeAll(async () => {
  floods = createServer((socket) => {
    const pour = (): void => {
      while (!socket.destroyed && socket.write(flood));
    }
    socket.on('drain', pour).on('error', () => {})
    pour()
  })
  decent = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => socket.end('221 bye\r\n'))
    socket.write('220-a banner\r\n220-of some lines\r\n220 mx\r\n')
  })
  for (const server of [floods, decent]) {
    server.listen({ host: '127.0.0.1', port: 0, backlog: probesAtOnce })
    await once(server, 'listening')
  }
})
afterAll(() => {
  floods.close()
  decent.close()
})

const portOf = (server: Server): number => (server.address() as AddressInfo).port

interface Cost {
  readonly reasons: Readonly<Record<string, number>>
  /** Peak of the resident set. */
  readonly peakOctets: number
}

/** In the prober: decent rounds until its heap has settled, then one more, then the floods; the peak of each. */
const program = `
  import { readFileSync, writeFileSync } from 'node:fs'
  import { probeAddress } from ${source('probe/smtp/smtp-probe.ts')}
  import { profileDefaults } from ${source('probe/smtp/profile.ts')}
  import { systemClock } from ${source('lib/clock.ts')}
  const [decent, floods] = process.argv.slice(1).map(Number)
  const peak = () => Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
  const round = async (port) => {
    const profile = { ...profileDefaults, name: 'x', ehlo: 'x', port, level: 'banner', bannerTimeoutMs: 60_000 }
    const request = { address: '127.0.0.1', profile }
    const outcomes = await Promise.all(
      Array.from({ length: ${probesAtOnce} }, () => probeAddress(request, systemClock)))
    const reasons = {}
    for (const { reason } of outcomes) reasons[reason] = (reasons[reason] ?? 0) + 1
    return reasons
  }
  const measured = async (port) => {
    gc(); gc()
    writeFileSync('/proc/self/clear_refs', '5')
    const reasons = await round(port)
    return { reasons, peakOctets: peak() }
  }
  for (let i = 0; i < 6; i++) await round(decent)
  console.log(JSON.stringify([await measured(decent), await measured(floods)]))`

/** Octets that the floods cost a prober more than as many decent banners, at the peak. */
async function extraOctets(): Promise<number> {
  const child = spawn(
    process.execPath,
    [
      '--expose-gc',
      '--max-semi-space-size=1',
      '--input-type=module',
      '-e',
      program,
      String(portOf(decent)),
      String(portOf(floods)),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  let said = ''
  child.stdout.on('data', (chunk) => (said += String(chunk)))
  await once(child, 'close')
  const [usual, flooded] = JSON.parse(said) as [Cost, Cost]
  expect(usual.reasons).toEqual({ ok: probesAtOnce })
  expect(flooded.reasons).toEqual({ 'too-many-lines': probesAtOnce })
  return flooded.peakOctets - usual.peakOctets
}

test('cost at most 1 MiB more than decent ones', async () => {
  // What V8 takes at a time of its own choosing is more or less by chance; what floods cost is in each prober.
  const extras = [await extraOctets(), await extraOctets(), await extraOctets()]
  const extra = Math.min(...extras)
  console.info(`500 endless banners: ${Math.round(extra / 1024)} KiB over 500 decent ones`)
  expect(extra).toBeLessThan(1 << 20)
})
