// The image, made of the Dockerfile's own steps in a Debian of debootstrap, and an operator's walk with it: a zone of BIND, port
// 53 without rights of root's on a root that can only be read, a drain, and its HEALTHCHECK with the admin server and without.

import { chownSync, cpSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import {
  type Container,
  type ContainerNetwork,
  openContainerNetwork,
} from '../support/container-process.ts'
import { stepsOf } from '../support/dockerfile.ts'
import { buildImage, type Image } from '../support/image.ts'
import { temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'
import {
  walkAnswers,
  walkCommand,
  walkDomain,
  walkFile,
  walkRecords,
} from '../support/walk-zone.ts'

const zone = `
zone: packed.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  mx1: { addresses: [192.0.2.1] }
  mx2: { addresses: [192.0.2.2] }
pools:
  all: { targets: [mx1, mx2] }
steering:
  in: [{ pools: [all] }]
records:
  "@": { NS: [ns1], MX: { steer: in } }
  ns1: { A: 192.0.2.53 }
`

let image: Image
let network: ContainerNetwork
const zones = join(temporaryFolder(), 'zones')

beforeAll(async () => {
  image = buildImage()
  network = await openContainerNetwork('172.31.54.1/24', {})
  mkdirSync(zones)
  writeFileSync(join(zones, 'packed.yaml'), zone)
  cpSync(walkFile, join(zones, `db.${walkDomain}`))
  chownSync(zones, image.uid, image.uid)
})

const containers: Container[] = []
afterAll(() => containers.forEach((one) => one.end()))
const addressOf = (nth: number): string => `172.31.54.${10 + nth}`

/** One more container of the image, with the zones at their place. */
function start(
  command: readonly string[],
  { env = {}, isReadOnly = true }: { env?: Record<string, string>; isReadOnly?: boolean } = {},
): Container {
  const nth = containers.length + 1
  const container = network.run({
    name: `mx${nth}`,
    address: addressOf(nth),
    image: image.root,
    command: [...image.entrypoint, ...command],
    env: { ...image.env, ...env },
    uid: image.uid,
    workingDir: image.workingDir,
    mounts: [{ from: zones, to: image.env['MXSTEER_ZONES'] ?? '', isReadOnly }],
  })
  containers.push(container)
  return container
}

/** What a command in it says. */
function inside(container: Container, ...command: readonly string[]): string {
  const { code, said } = container.exec(command)
  if (code !== 0) throw new Error(`exit code ${code}: ${said}`)
  return said
}

const isHealthy = (container: Container): boolean => container.exec(image.healthcheck).code === 0
const healthy = (container: Container): Promise<unknown> =>
  until(() => isHealthy(container), { what: 'a healthy server', withinMs: 60_000 })
const mxAt = (address: string): readonly string[] =>
  network
    .outside(['dig', '+short', '+tries=1', '+time=5', `@${address}`, 'packed.example.test', 'MX'])
    .trim()
    .split('\n')

test('the last stage has the server and the console, and nothing to build them with', () => {
  const app = join(image.root, image.workingDir)
  expect(readdirSync(app).sort()).toEqual([
    'LICENSE',
    'bin',
    'dist',
    'node_modules',
    'package.json',
  ])
  expect(statSync(join(app, 'dist/console/index.html')).isFile()).toBe(true)
  expect(readdirSync(join(app, 'node_modules'))).not.toContain('rolldown')
})

test('npm installs without a warning on the Node of the base image', () => {
  const installations = image.ran.filter(({ command }) => command.startsWith('npm ci'))
  expect(installations).toHaveLength(2)
  for (const { said } of installations) {
    expect(said).toMatch(/^added \d+ packages/m)
    expect(said).not.toMatch(/warn|error|deprecated/i)
  }
})

test('imports a zone of BIND and checks it', async () => {
  const container = start(image.command, { isReadOnly: false })
  await healthy(container)
  const folder = image.env['MXSTEER_ZONES'] ?? ''
  const file = `${folder}/${walkDomain}.yaml`
  inside(container, 'mxsteer', 'import', `${folder}/db.${walkDomain}`, '-o', file)
  expect(inside(container, 'mxsteer', 'check', folder)).toContain('2 zones, no mistakes')
})

test('serves it at port 53 as a user without rights, on a root that can only be read', async () => {
  // Without a token nobody writes to an admin server that other hosts reach.
  const env = {
    MXSTEER_LISTEN: '0.0.0.0:53',
    MXSTEER_ADMIN_TOKEN: 'token-of-the-walk-0123456789abcdef',
  }
  const container = start(image.command, { env })
  await healthy(container)
  const said = network.outside(['sh', '-c', walkCommand(addressOf(containers.length))])
  expect(walkAnswers(said)).toEqual(walkRecords)
  const status = container.exec([
    'grep',
    '-E',
    '^(Uid|CapEff|CapBnd|NoNewPrivs):',
    '/proc/1/status',
  ])
  expect(status.said.split('\n')).toEqual([
    `Uid:\t${[1, 2, 3, 4].map(() => image.uid).join('\t')}`,
    'CapEff:\t0000000000000000',
    'CapBnd:\t0000000000000000',
    'NoNewPrivs:\t1',
  ])
  expect(image.uid).toBeGreaterThan(0)
  for (const place of ['/tmp', image.workingDir, image.env['MXSTEER_ZONES']])
    expect(container.exec(['touch', `${place}/proof`]).said).toContain('Read-only file system')
  const page = network.outside([
    'curl',
    '-sS',
    `http://${addressOf(containers.length)}:8053/console/`,
  ])
  expect(page).toContain('<script type="module"')

  expect(mxAt(addressOf(containers.length))).toHaveLength(2)
  inside(container, 'mxsteer', 'drain', 'mx1', '--for', '1h', '--yes')
  expect(mxAt(addressOf(containers.length))).toHaveLength(1)
})

test('is healthy by its own check where the admin server is off, and not where it does not answer', async () => {
  const env = { MXSTEER_LISTEN: '0.0.0.0:53', MXSTEER_ADMIN: 'off' }
  const container = start(image.command, { env })
  await healthy(container)
  expect(container.exec(['env', 'MXSTEER_LISTEN=0.0.0.0:54', ...image.healthcheck])).toMatchObject({
    code: 1,
    said: expect.stringContaining('no answer from 127.0.0.1 port 54'),
  })
})

test.each([
  'ADD https://git.example.org/x /x',
  'RUN --mount=type=cache,target=/root/.npm npm ci',
  'RUN ["npm", "ci"]',
  'COPY --chown=node:node bin bin',
  'COPY src/*.ts src/',
  'ENV NAME value',
  'ENTRYPOINT mxsteer serve',
  'SHELL ["/bin/bash", "-c"]',
  'HEALTHCHECK NONE',
  'FROM --platform=linux/amd64 node:24-bookworm-slim',
])('a step that nothing here does is an error: %s', (line) => {
  expect(() => stepsOf(`FROM node:24-bookworm-slim\n${line}\n`)).toThrow(line)
})
