// A file system that stops to answer keeps threads of the process in the kernel: the server and its commands end all the
// same, with the code that they have. Here since each takes the ten seconds that are waited for.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

import { hangingFiles } from '../support/hanging-files.ts'
import { countryOf, mmdbFile } from '../support/mmdb-writer.ts'
import { launch, projectFolder, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const zoneFile = `
zone: hanging.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
targets: { mx1: { addresses: [192.0.2.1] } }
pools: { main: { targets: { mx1: 1 } } }
steering: { inbound: [{ when: { country: DE }, pools: [main] }, { pools: [main] }] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
`

describe.concurrent('a file system that does not answer', () => {
  it.each([
    ['the state file', 'state'],
    ['a GeoIP database, which a thread of its own reads', 'places/country.mmdb'],
  ])('with %s does not keep a server that stops', async (_, name) => {
    const folder = temporaryFolder()
    const country = join(folder, 'places/country.mmdb')
    mkdirSync(join(folder, 'places'))
    writeFileSync(country, mmdbFile([['11.0.0.0/8', countryOf('DE')]]))
    const hang = hangingFiles(join(folder, name))
    const server = await startServer({
      zones: { 'a.yaml': zoneFile },
      settings: `geoip: { country: ${country} }\nstate_dir: ${join(folder, 'state')}\nlameduck: 0s\n`,
      env: hang.env,
    })
    hang.begin()
    server.signal('SIGHUP')
    if (name !== 'state')
      await until(() => hang.asked().length > 0, { what: 'a file that hangs', withinMs: 60_000 })
    server.signal('SIGTERM')
    expect(await server.exited).toEqual({ code: 0, signal: null })
    expect(server.logs().at(-1)?.event).toBe('server.stopped')
    // On a busy machine the file may have been given up before the process was to end.
    const events = new Set(server.logs().map(({ event }) => event))
    expect(events.has('server.overdue') || events.has('geoip.rejected')).toBe(true)
    expect(hang.asked()).not.toEqual([])
  })

  it.each([
    [['serve', '--zones'], 2],
    [['check'], 1],
  ])('with the zones does not keep %s', async (args, code) => {
    const zones = temporaryFolder()
    writeFileSync(join(zones, 'a.yaml'), zoneFile)
    const hang = hangingFiles(zones)
    hang.begin()
    const child = launch([...args, zones], projectFolder, { env: hang.env })
    expect(await child.exited).toEqual({ code, signal: null })
    expect(child.stderr()).toContain('its file system has not answered for 10 s')
  })
})
