// Zones of BIND, imported, served and transferred again, have the records that BIND reads of their files: owner, TTL, type
// and data of each. BIND reads both sides, and dig asks.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { importZone } from '../../src/migration/import-zone.ts'
import { readTransferSource } from '../../src/migration/read-source.ts'
import { transferZone } from '../../src/resolver/zone-transfer.ts'
import { parseName } from '../../src/wire/name.ts'
import { bindBasics } from '../support/bind.ts'
import { type ForeignServer, startForeign } from '../support/foreign-server.ts'
import {
  canonicalText,
  importFolder,
  sourceRecords,
  transferredRecords,
  type ZoneFixture,
  zoneFixtures,
} from '../support/imported-zones.ts'
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts'

/** Records that are in the source and not in the import, by file: each was named on standard error. */
const leftOut: Readonly<Record<string, RegExp>> = {
  'left-out.zone': /^(?:below\.old\.left\.test\. |left\.test\. \d+ (?:DNSKEY|TYPE65534|TYPE51) )/,
}

const expectedOf = (fixture: ZoneFixture): string[] =>
  sourceRecords(fixture).filter((line) => !leftOut[fixture.file]?.test(line))

const serve = (zones: Readonly<Record<string, string>>): Promise<RunningServer> =>
  startServer({ zones, settings: 'transfer: { allow: 127.0.0.1 }\n' })

it('has twenty zones', () => expect(zoneFixtures.length).toBeGreaterThanOrEqual(20))

describe('of files', () => {
  let server: RunningServer
  beforeAll(async () => {
    const folder = temporaryFolder()
    const files = zoneFixtures.map(({ file }) => join(importFolder, file))
    const { code } = await runCommand('import', ...files, '-o', folder)
    if (code !== 0) throw new Error(`import exits with ${code}`)
    const texts = readdirSync(folder).map((file) => [
      file,
      readFileSync(join(folder, file), 'utf8'),
    ])
    server = await serve(Object.fromEntries(texts) as Record<string, string>)
  }, 120_000)
  afterAll(() => server.stop())

  it.each(zoneFixtures)('$file is what it was', (fixture) => {
    const expected = expectedOf(fixture)
    expect(expected.length).toBeGreaterThan(3)
    expect(transferredRecords(fixture.apex, server.port)).toEqual(expected)
  })
})

async function imports(apexText: string, port: number): Promise<string> {
  const parsed = parseName(apexText)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  const apex = parsed.name
  const transfer = await transferZone({ host: '127.0.0.1', port }, apex)
  if (transfer.kind === 'failed') throw new Error(transfer.why)
  const master = await readTransferSource('BIND', apex, transfer.records)
  const fileOf = (file: string): string => file
  const imported = importZone({ apex, master, from: 'BIND', isSteered: false, fileOf })
  if (imported.kind === 'refused') throw new Error(JSON.stringify(imported.diagnostics))
  return imported.yaml
}

describe('of transfers from BIND', () => {
  let bind: ForeignServer
  let server: RunningServer
  beforeAll(async () => {
    const zones = zoneFixtures.map((fixture) => ({
      apex: fixture.apex,
      text: canonicalText(fixture),
    }))
    bind = await startForeign(
      {
        command: 'named',
        arguments: (file) => ['-g', '-n', '1', '-c', file],
        configuration: (place) => `
options {
${bindBasics(place)}
  recursion no;
  notify no;
  allow-transfer { 127.0.0.1; };
  empty-zones-enable no;
  check-names primary ignore;
  check-integrity no;
  check-mx ignore;
  check-srv-cname ignore;
  check-wildcard no;
};
controls { };
${place.zones.map(({ apex, file }) => `zone "${apex}" { type primary; file "${file}"; };`).join('\n')}
`,
      },
      zones,
    )
    const imported: Record<string, string> = {}
    for (const { apex } of zoneFixtures) imported[`${apex}yaml`] = await imports(apex, bind.port)
    server = await serve(imported)
  }, 120_000)
  afterAll(async () => {
    await server.stop()
    await bind.stop()
  })

  it.each(zoneFixtures)('$file is what it was', (fixture) => {
    expect(transferredRecords(fixture.apex, server.port)).toEqual(expectedOf(fixture))
  })

  it('is made by the command too, and says why where there is none', async () => {
    const from = ['import', '--axfr', `127.0.0.1#${bind.port}`, '--zone']
    const made = await runCommand(...from, 'plain.test')
    expect([made.code, made.stdout]).toEqual([0, expect.stringContaining('zone: plain.test\n')])
    const { code, stdout, stderr } = await runCommand(...from, 'not-here.test')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/no transfer of not-here\.test from .*: the server .*NOTAUTH|REFUSED/)
  })
})
