// The corpus of zones to import, in fixtures/import, and its records as BIND has them.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rawRecords } from './bind-raw.ts'
import { temporaryFolder } from './server.ts'

export const importFolder: string = join(import.meta.dirname, '../fixtures/import')

export interface ZoneFixture {
  readonly file: string
  /** With its final dot, in lower case. */
  readonly apex: string
}

export const zoneFixtures: readonly ZoneFixture[] = readdirSync(importFolder)
  .filter((file) => file.endsWith('.zone'))
  .map((file) => ({ file, apex: apexOf(readFileSync(join(importFolder, file), 'utf8')) }))

function apexOf(text: string): string {
  const apex = /^\$ORIGIN (\S+)|^(\S+\.) IN SOA/m.exec(text)
  return (apex?.[1] ?? apex?.[2] ?? '').toLowerCase()
}

/** As `rawRecords` has them; of the SOA only the fields that an import keeps. */
export function sourceRecords({ file, apex }: ZoneFixture): readonly string[] {
  const records = known.get(file) ?? rawRecords(apex, file, importFolder).map(withoutSerial).sort()
  known.set(file, records)
  return records
}

const known = new Map<string, readonly string[]>()

/** What dig prints of a transfer of the zone from 127.0.0.1:`port`, as records like those of the source. */
export function transferredRecords(apex: string, port: number): string[] {
  const printed = execFileSync(
    'dig',
    ['@127.0.0.1', '-p', String(port), apex, 'AXFR', '+onesoa', '+nottlunits', '+noall', '+answer'],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  )
  const file = join(temporaryFolder(), 'transferred')
  writeFileSync(file, printed)
  return rawRecords(apex, file).map(withoutSerial).sort()
}

/** The TTL of the SOA is that of the zone file, and the serial moves on: the other octets are kept. */
function withoutSerial(line: string): string {
  const [owner = '', , type, length, data = ''] = line.split(' ')
  if (type !== 'SOA') return line
  return `${owner} SOA ${length} ${data.slice(0, -40)} ${data.slice(-32)}`
}

/** The master file that BIND writes of it. */
export const canonicalText = ({ file, apex }: ZoneFixture): string =>
  execFileSync(
    'named-compilezone',
    [
      '-i',
      'none',
      '-k',
      'ignore',
      '-n',
      'ignore',
      '-r',
      'ignore',
      '-m',
      'ignore',
      '-M',
      'ignore',
    ].concat(['-S', 'ignore', '-T', 'ignore', '-q', '-s', 'full', '-o', '-', apex, file]),
    { cwd: importFolder, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  )
