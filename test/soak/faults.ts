// Faults that a soak run injects, each with the way back: of the store, of files, of MTAs, and floods.

import { createSocket } from 'node:dgram'
import { connect, type Socket } from 'node:net'
import { symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { type Fleet, type Instance, targets, zone } from '../faults/fleet.ts'
import { encodeQuestion } from '../support/dns-client.ts'
import { pause } from '../support/wait.ts'

export interface Fault {
  readonly name: string
  /** How long it lasts, in milliseconds. */
  readonly lastsMs: number
  /** Injects it; resolves to what takes it back. */
  readonly inject: () => Promise<() => Promise<void>>
}

const nothing = async (): Promise<void> => {}

/** Every fault of a fleet. Those of one `name` must not overlap. */
export const faultsOf = (fleet: Fleet, random: () => number): readonly Fault[] => [
  ...storeFaults(fleet, random),
  ...fleet.instances.flatMap((instance) => fileFaults(instance, fleet.zoneText)),
  ...mtaFaults(fleet, random),
  ...fleet.instances.flatMap((instance) => floods(instance, random)),
]

const keyOf = (name: string): string => `mxsteer:{default}:v1:${name}`

function storeFaults({ redis, instances }: Fleet, random: () => number): readonly Fault[] {
  const proxyOf = (): Instance => instances[Math.floor(random() * instances.length)] as Instance
  const command = async (...words: readonly string[]): Promise<() => Promise<void>> => {
    // The store may be down by another fault.
    await redis.command(...words).catch(() => '')
    return nothing
  }
  const throughProxy = (change: (of: Instance['proxy']) => void) => async () => {
    const { proxy } = proxyOf()
    change(proxy)
    return async () => proxy.pass()
  }
  return [
    {
      name: 'store: killed',
      lastsMs: 8000,
      async inject() {
        await redis.kill()
        return () => redis.restart()
      },
    },
    {
      name: 'store: stopped',
      lastsMs: 5000,
      async inject() {
        redis.signal('SIGSTOP')
        return async () => redis.signal('SIGCONT')
      },
    },
    { name: 'store: link cut', lastsMs: 6000, inject: throughProxy((proxy) => proxy.cut()) },
    { name: 'store: link mute', lastsMs: 6000, inject: throughProxy((proxy) => proxy.swallow()) },
    { name: 'store: link slow', lastsMs: 8000, inject: throughProxy((proxy) => proxy.delay(400)) },
    { name: 'store: emptied', lastsMs: 1000, inject: () => command('FLUSHALL') },
    {
      name: 'store: heartbeat of 4 MiB',
      lastsMs: 1000,
      inject: () => command('SET', keyOf('hb:i1'), 'x'.repeat(4 << 20)),
    },
    {
      name: 'store: garbage votes',
      lastsMs: 1000,
      inject: () => command('SET', keyOf('v:i2'), '1'),
    },
    {
      name: 'store: garbage override',
      lastsMs: 1000,
      inject: () => command('HSET', keyOf('ov'), 'x', '{"id":1}'),
    },
  ]
}

const badZones: Readonly<Record<string, string>> = {
  'no YAML': 'zone: [',
  'unknown keys': `zone: ${zone}\n${Array.from({ length: 500 }, (_, i) => `k${i}: 1\n`).join('')}`,
  'brackets without end': '['.repeat(200_000),
  'aliases of aliases': `a: &a [x]\n${Array.from({ length: 200 }, () => 'b: [*a, *a, *a]\n').join('')}`,
}

function fileFaults({ name, server }: Instance, zoneText: string): readonly Fault[] {
  const bad = Object.entries(badZones).map(([what, text]) => ({
    name: `files of ${name}: ${what}`,
    lastsMs: 4000,
    async inject() {
      server.writeZone('smtp.yaml', text)
      return async () => server.writeZone('smtp.yaml', zoneText)
    },
  }))
  return [
    ...bad,
    {
      name: `files of ${name}: a link to nowhere`,
      lastsMs: 4000,
      async inject() {
        const link = join(server.zonesFolder, '.#other.yaml')
        symlinkSync('/nowhere/at/all', link)
        return async () => unlinkSync(link)
      },
    },
    {
      name: `files of ${name}: another zone comes and goes`,
      lastsMs: 4000,
      async inject() {
        const file = join(server.zonesFolder, 'other.yaml')
        writeFileSync(
          file,
          'zone: other.test\nsoa: { mname: ns1, rname: h.other.test. }\nrecords: { "@": { NS: ns1 }, ns1: { A: 192.0.2.1 } }\n',
        )
        return async () => unlinkSync(file)
      },
    },
  ]
}

function mtaFaults({ mtas }: Fleet, random: () => number): readonly Fault[] {
  const dying = (name: string, lastsMs: number, choose: () => readonly (keyof typeof mtas)[]) => ({
    name,
    lastsMs,
    async inject() {
      const chosen = choose()
      await Promise.all(chosen.map((one) => mtas[one].die()))
      return async () => void (await Promise.all(chosen.map((one) => mtas[one].revive())))
    },
  })
  const any = (): (typeof targets)[number] =>
    targets[Math.floor(random() * targets.length)] ?? 'mx1'
  return [
    dying('MTAs: one dies', 12_000, () => [any()]),
    dying('MTAs: one dies for a moment', 800, () => [any()]),
    dying('MTAs: all die', 12_000, () => targets),
  ]
}

function floods({ name, server }: Instance, random: () => number): readonly Fault[] {
  return [
    {
      name: `flood of ${name}: random names`,
      lastsMs: 5000,
      inject: () => floodOverUdp(server.port, random),
    },
    {
      name: `flood of ${name}: idle TCP`,
      lastsMs: 5000,
      inject: () => openMany(100, server.port, ''),
    },
    {
      name: `flood of ${name}: admin`,
      lastsMs: 5000,
      inject: () =>
        openMany(
          40,
          server.adminPort,
          `GET /explain?name=${zone}&type=MX HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`.repeat(400),
        ),
    },
  ]
}

/** Some 2,000 queries a second, until taken back. */
async function floodOverUdp(port: number, random: () => number): Promise<() => Promise<void>> {
  const socket = createSocket('udp4')
  const stopping = new AbortController()
  const ended = (async () => {
    while (!stopping.signal.aborted) {
      for (let i = 0; i < 20; i++)
        socket.send(
          encodeQuestion(`x${Math.floor(random() * 1e9)}.${zone}`, 'A', i),
          port,
          '127.0.0.1',
        )
      await pause(10)
    }
  })()
  return async () => {
    stopping.abort()
    await ended
    socket.close()
  }
}

async function openMany(count: number, port: number, text: string): Promise<() => Promise<void>> {
  const sockets = Array.from({ length: count }, (): Socket => {
    const socket = connect({ host: '127.0.0.1', port })
    socket.on('error', () => {})
    socket.on('data', () => {})
    if (text !== '') socket.write(text)
    return socket
  })
  return async () => {
    for (const socket of sockets) socket.destroy()
  }
}
