// The server as `npm run build` makes it: each of its threads, and what it says of where it failed.

import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

import { describe, expect, test } from 'vitest'

import { inSources } from '../../src/files/source-position.ts'
import { mainFile, projectFolder } from '../support/server.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'

const domain = 'built.example.test'
const hosts = Array.from({ length: 3000 }, (_, i) => `  host${i}: { A: 192.0.2.${i & 255} }\n`)
const zoneFile = `
zone: ${domain}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
  eu: { addresses: [192.0.2.1] }
  us: { addresses: [192.0.2.2] }
pools:
  eu: { targets: { eu: 1 } }
  us: { targets: { us: 1 } }
steering:
  inbound:
    - { when: { continent: EU }, pools: [eu] }
    - { pools: [us] }
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
${hosts.join('')}`

const dist = dirname(mainFile)

describe('built', () => {
  // Nobody listens at port 1: what is loaded for a store is, and the server serves alone.
  const server = servedZone(() => ({
    zones: { 'built.yaml': zoneFile },
    flags: ['--state', 'redis://127.0.0.1:1'],
  }))
  const client = clientOf(server)

  test('answers what was compiled in the thread of the zone files', async () => {
    const { answers } = await client.ask(`host2999.${domain}`, 'A')
    expect(answers.map(({ address }) => address)).toEqual(['192.0.2.183'])
  })

  test('explains in a thread of its own, with databases that another one has compiled', async () => {
    await server.waitForLog(({ event }) => event === 'geoip.loaded')
    const path = `/explain?name=${domain}&type=MX&client=193.0.6.139`
    const { status, body } = await server.http(path)
    expect([status, body]).toEqual([200, expect.stringContaining('"eu"')])
  })

  test('tries to reach the store', async () => {
    const line = await server.waitForLog(({ event }) => event === 'state.degraded')
    expect(line['why']).toBe('ECONNREFUSED')
  })

  test('has the licenses of what is in it', () => {
    const text = readFileSync(join(dist, 'LICENSES.txt'), 'utf8')
    for (const name of ['zod', 'ioredis', '@prometheus-io/client'])
      expect(text).toContain(`\n${name} `)
  })

  test('leads from its stacks to the line of the source', () => {
    const [file, line, column] = placeOf('serve takes options only')
    const frame = `at serve (${pathToFileURL(join(dist, file)).href}:${line}:${column})`
    const source = readFileSync(join(projectFolder, 'src/cli/serve.ts'), 'utf8').split('\n')
    const at = source.findIndex((text) => text.includes('serve takes options only')) + 1
    expect(inSources(frame)).toMatch(new RegExp(`^at serve \\(file:.*/src/cli/serve\\.ts:${at}:`))
    expect(inSources('at f (file:///nowhere/x.js:1:1)')).toBe('at f (file:///nowhere/x.js:1:1)')
    expect(inSources('at node:net:1:2')).toBe('at node:net:1:2')
  })
})

/** File, line and column of a text of the build. */
function placeOf(text: string): readonly [string, number, number] {
  for (const name of readdirSync(join(dist, 'chunks'))) {
    if (!name.endsWith('.js')) continue
    const lines = readFileSync(join(dist, 'chunks', name), 'utf8').split('\n')
    const line = lines.findIndex((one) => one.includes(text))
    if (line >= 0) return [`chunks/${name}`, line + 1, (lines[line] as string).indexOf(text) + 1]
  }
  throw new Error(`nothing in the build says ${text}`)
}
