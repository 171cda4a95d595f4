// What is shipped to run instances: the compose file and its zone, the unit, the examples for routing daemons.

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'

import { findCommand } from '../../src/cli/commands/commands.ts'
import { loadSettings } from '../../src/settings/settings.ts'
import { demoAddresses, demoPort } from '../../demo/mta.ts'
import { mainFile, temporaryFolder } from '../support/server.ts'

const root = new URL('../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')

const service = z.strictObject({
  build: z.literal('..').optional(),
  image: z.string().optional(),
  command: z.array(z.string()).optional(),
  depends_on: z.array(z.string()).optional(),
  restart: z.string().optional(),
  read_only: z.literal(true).optional(),
  cap_drop: z.tuple([z.literal('ALL')]).optional(),
  security_opt: z.array(z.string()).optional(),
  stop_grace_period: z
    .string()
    .regex(/^\d+s$/)
    .optional(),
  working_dir: z.string().optional(),
  user: z.string().optional(),
  volumes: z.array(z.string().regex(/^\.[./\w-]*:\/[\w/]+:ro$/)).optional(),
  environment: z.record(z.string(), z.string()).optional(),
  ports: z.array(z.string().regex(/^127\.0\.0\.1:\d+:\d+\/(udp|tcp)$/)).optional(),
  networks: z.strictObject({ mail: z.strictObject({ ipv4_address: z.ipv4() }) }),
})
const composeFile = z.object({
  name: z.literal('mxsteer'),
  services: z.record(z.string(), service),
  networks: z.strictObject({
    mail: z.strictObject({
      ipam: z.strictObject({ config: z.tuple([z.strictObject({ subnet: z.cidrv4() })]) }),
    }),
  }),
})

const compose = composeFile.parse(parse(read('deploy/compose.yaml'), { merge: true }))
const { services } = compose
const zone = parse(read('deploy/compose-zones/smtp.example.test.yaml'))
const names = (pattern: RegExp): string[] =>
  Object.keys(services).filter((one) => pattern.test(one))
const addressOf = (name: string): string | undefined => services[name]?.networks.mail.ipv4_address

describe('deploy/compose.yaml', () => {
  test('has two instances, a store and the demo MTAs', () => {
    expect(names(/^ns/)).toEqual(['ns1', 'ns2'])
    expect(names(/^mx/)).toEqual(Object.keys(demoAddresses))
    expect(Object.keys(services)).toHaveLength(6)
    const addresses = Object.keys(services).map(addressOf)
    expect(new Set(addresses).size).toBe(6)
    const net = compose.networks.mail.ipam.config[0].subnet.replace(/0\/24$/, '')
    expect(addresses.filter((address) => !address?.startsWith(net))).toEqual([])
    const ports = Object.values(services).flatMap(({ ports: published = [] }) => published)
    expect(new Set(ports.map((port) => port.replace(/:\d+\//, '/'))).size).toBe(ports.length)
  })

  test('gives each instance settings that there are, and a name and site of its own', async () => {
    const host = { name: 'container', parallelism: 2 }
    const loaded = await Promise.all(
      names(/^ns/).map((one) =>
        loadSettings({ flags: {}, env: services[one]?.environment ?? {}, host }),
      ),
    )
    const settings = loaded.map((one) => {
      if (one.kind === 'rejected') throw new Error(JSON.stringify(one.diagnostics))
      expect(one.warnings).toEqual([])
      return one.settings
    })
    expect(settings.map(({ instance }) => instance)).toEqual(['ns1', 'ns2'])
    expect(new Set(settings.map(({ site }) => site)).size).toBe(2)
    expect(settings.every(({ state }) => state !== 'memory')).toBe(true)
  })

  test('its zone is good, and its addresses are those of the services', () => {
    const folder = new URL('deploy/compose-zones', root).pathname
    expect(execFileSync(process.execPath, [mainFile, 'check', folder]).toString()).toMatch(/\S/)
    for (const name of names(/^mx/)) {
      expect(zone.targets[name].addresses).toEqual([addressOf(name)])
      expect(services[name]?.command).toEqual(['node', 'demo/mta.ts', name])
    }
    for (const name of names(/^ns/)) expect(zone.records[name].A).toBe(addressOf(name))
    expect(zone.probes.inbound.port).toBe(demoPort)
  })
})

describe('deploy/mxsteer.service', () => {
  const lines = read('deploy/mxsteer.service').split('\n')

  test('has sections, and in them keys with values, each once but Environment', () => {
    const said = lines.filter((line) => line !== '' && !line.startsWith('#'))
    expect(said.filter((line) => !/^(\[\w+\]|[A-Z][A-Za-z]+=\S.*)$/.test(line))).toEqual([])
    expect(said.filter((line) => line.startsWith('['))).toEqual([
      '[Unit]',
      '[Service]',
      '[Install]',
    ])
    const keys = said.map((line) => line.split('=')[0]).filter((key) => key !== 'Environment')
    expect(new Set(keys).size).toBe(keys.length)
  })

  test.each([
    'Type=notify',
    'NotifyAccess=main',
    'WatchdogSec=30',
    'Restart=always',
    'RestartPreventExitStatus=2',
    'AmbientCapabilities=CAP_NET_BIND_SERVICE',
    'CapabilityBoundingSet=CAP_NET_BIND_SERVICE',
    'ProtectSystem=strict',
    'NoNewPrivileges=yes',
  ])('says %s', (line) => expect(lines).toContain(line))

  test('sets only what there is, and exits as the help says', async () => {
    const given = lines.flatMap(
      (line) => /^Environment=(MXSTEER_\w+)=(.*)$/.exec(line)?.slice(1) ?? [],
    )
    expect(given).toEqual(['MXSTEER_STATE_DIR', '/var/lib/mxsteer'])
    const loaded = await loadSettings({ flags: {}, env: Object.fromEntries([given]) })
    expect(loaded).toMatchObject({ kind: 'settings', warnings: [] })
    const exits = findCommand('serve')?.exits
    expect(exits).toContainEqual([2, 'bad usage, settings or zone files'])
  })
})

describe('deploy/mxsteer.socket', () => {
  const lines = read('deploy/mxsteer.socket').split('\n')
  const placesOf = (key: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []))

  test('opens each place for UDP and TCP', () => {
    expect(placesOf('ListenDatagram')).toEqual(['0.0.0.0:53', '[::]:53'])
    expect(placesOf('ListenStream')).toEqual(placesOf('ListenDatagram'))
  })

  test('opens them as the server wants them', () => {
    for (const line of ['BindIPv6Only=ipv6-only', 'ReceiveBuffer=4M', 'ReusePort=yes'])
      expect(lines).toContain(line)
    expect(lines.filter((line) => line.startsWith('Accept'))).toEqual([])
  })

  test('is a unit that systemd reads', () => {
    const folder = temporaryFolder()
    const service = read('deploy/mxsteer.service').replace(/^ExecStart=.*$/m, 'ExecStart=/bin/true')
    writeFileSync(join(folder, 'mxsteer.service'), service)
    writeFileSync(join(folder, 'mxsteer.socket'), lines.join('\n'))
    const paths = ['mxsteer.socket', 'mxsteer.service'].map((name) => join(folder, name))
    const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...paths], {
      encoding: 'utf8',
    })
    // Of other units of this machine it may say what it likes.
    expect(stderr.split('\n').filter((line) => line.includes(folder))).toEqual([])
  })
})

describe('docs/operations/anycast.md', () => {
  const scripts = [...read('docs/operations/anycast.md').matchAll(/```sh\n(#!\/bin\/sh\n.*?)```/gs)]

  test('has watchers that sh can read', () => {
    expect(scripts).toHaveLength(2)
    for (const [, script = ''] of scripts)
      expect(() => execFileSync('sh', ['-n'], { input: script })).not.toThrow()
  })
})
