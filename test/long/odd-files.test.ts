// Files that are none: a pipe that nobody writes to, a folder, a socket, a device in the place of every file that the
// server reads. None holds up a start, a reload or a stop, and each is named.

import { execFileSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { type TestCertificate, makeCertificate } from '../support/certificate.ts'
import { openUdpClient } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { countryOf, mmdbFile } from '../support/mmdb-writer.ts'
import {
  type RunningServer,
  launch,
  projectFolder,
  startServer,
  temporaryFolder,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

const zone = 'odd.example.test'
const zoneFile = (text: string): string => `
zone: ${zone}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets: { mx1: { addresses: [192.0.2.1] } }
pools: { main: { targets: { mx1: 1 } } }
steering: { inbound: [{ when: { country: DE }, pools: [main] }, { pools: [main] }] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
  info: { TXT: '"${text}"' }
`

/** Without a rule that would have a database compiled. */
const plainZone = zoneFile('plain').replace(
  'when: { country: DE }, ',
  'when: { network: 192.0.2.0/24 }, ',
)

/** Puts in place of a file what a path may lead to as well. */
const odd: Readonly<Record<string, (path: string) => void>> = {
  pipe: (path) => void execFileSync('mkfifo', [path]),
  folder: (path) => mkdirSync(path),
  device: (path) => symlinkSync('/dev/zero', path),
  'link that leads nowhere': (path) => symlinkSync('nowhere', path),
}

function replaceBy(kind: string, path: string): void {
  rmSync(path, { recursive: true, force: true })
  odd[kind]?.(path)
}

describe('while the server runs', () => {
  const folder = temporaryFolder()
  const country = join(folder, 'country.mmdb')
  let pair: TestCertificate
  let server: RunningServer

  beforeAll(async () => {
    pair = makeCertificate('odd.test')
    writeFileSync(
      country,
      mmdbFile([['11.0.0.0/8', countryOf('DE')]], { buildSeconds: 1_700_000_000 }),
    )
    const tls = `tls: { listen: "127.0.0.1:${await freePort()}", certificate: ${pair.certificate}, key: ${pair.key} }`
    server = await startServer({
      zones: { 'odd.yaml': zoneFile('first') },
      settings: `${tls}\ngeoip: { country: ${country} }\nstate_dir: ${folder}\ninstance: odd\nlameduck: 0s\n`,
    })
  })
  afterAll(async () => void (await server?.stop()))

  const count = (event: string): number =>
    server.logs().filter((line) => line.event === event).length
  const reloads = async (): Promise<number> =>
    (await server.metric('mxsteer_config_reloads_total{result="success"}')) ?? 0

  it.each(Object.keys(odd))('a %s as certificate, key and database is refused', async (kind) => {
    for (const [path, event] of [
      [pair.certificate, 'certificate.rejected'],
      [pair.key, 'certificate.rejected'],
      [country, 'geoip.rejected'],
    ] as const) {
      const kept = readFileSync(path)
      const before = { refused: count(event), reloads: await reloads() }
      replaceBy(kind, path)
      server.signal('SIGHUP')
      await until(() => count(event) > before.refused, { what: event, withinMs: 60_000 })
      // A reload goes on to the zones.
      await until(async () => (await reloads()) > before.reloads, {
        what: `a reload with a ${kind} as ${path}`,
        withinMs: 60_000,
      })
      rmSync(path, { recursive: true, force: true })
      writeFileSync(`${path}.new`, kept)
      renameSync(`${path}.new`, path)
    }
    const client = openUdpClient(server.port)
    expect((await client.ask(`info.${zone}`, 'TXT')).answers).toHaveLength(1)
    client.close()
  })

  it('a pipe beside the state file is not written into, and none holds up the stop', async () => {
    replaceBy('pipe', join(folder, 'odd.state.new'))
    for (const path of [pair.certificate, pair.key, country]) replaceBy('pipe', path)
    server.signal('SIGHUP')
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    expect(lstatSync(join(folder, 'odd.state')).isFile()).toBe(true)
  })
})

describe('at start', () => {
  it.each(Object.keys(odd))('a %s as state file is ignored, and written anew', async (kind) => {
    const folder = temporaryFolder()
    const file = join(folder, 'odd.state')
    replaceBy(kind, file)
    const server = await startServer({
      zones: { 'odd.yaml': plainZone },
      settings: `state_dir: ${folder}\ninstance: odd\nlameduck: 0s\n`,
    })
    const isSaid = server.logs().some((line) => line.event === 'state.ignored')
    // A link that leads nowhere is no file that was there before.
    expect(isSaid).toBe(kind !== 'link that leads nowhere')
    expect(await server.stop()).toEqual({ code: 0, signal: null })
    // A folder cannot be replaced by a rename.
    expect(lstatSync(file).isFile()).toBe(kind !== 'folder')
  })

  it.each([
    ['settings file', 'MXSTEER_CONFIG'],
    ['secret file', 'MXSTEER_COOKIE_SECRET_FILE'],
    ['token file', 'MXSTEER_ADMIN_TOKEN_FILE'],
  ])('a pipe as %s is said to be one', async (_, variable) => {
    const path = join(temporaryFolder(), 'pipe')
    replaceBy('pipe', path)
    const child = launch(['serve'], projectFolder, { env: { [variable]: path } })
    expect(await child.exited).toEqual({ code: 2, signal: null })
    expect(child.stderr()).toContain(`${path}:1:1: cannot read the file: it is a pipe`)
  })

  it('so is one that a shell makes', async () => {
    const command = `exec "$0" "$@" serve --config <(echo 'lameduck: 0s')`
    const args = ['bash', '-c', command]
    const child = launch([], projectFolder, { through: args })
    expect((await child.exited).code).toBe(2)
    expect(child.stderr()).toMatch(/\/dev\/fd\/\d+:1:1: cannot read the file: it is a pipe/)
  })
})
