// The records of good/plain-types.yaml, written again as a master file: BIND's reading of them has to be ours.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readZone } from '../../src/zonefile/load-zones.ts'
import { compileZone } from '../../src/zone/compile/compile.ts'
import { nameToText } from '../../src/wire/name.ts'
import { rawRecords } from '../support/bind-raw.ts'
import { recordLine } from '../support/master-file.ts'

const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-bind-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const text = readFileSync(
  join(import.meta.dirname, '../fixtures/config/good/plain-types.yaml'),
  'utf8',
)

/** Records as `owner TTL type length hex`, which is what RFC 3597 makes of any of them. */
function ours(): string[] {
  const { source } = readZone('f.yaml', new TextEncoder().encode(text))
  if (!source) throw new Error('the fixture does not load')
  const { zone } = compileZone({
    source,
    serial: 7,
    takeSlot: () => null,
    takeRow: () => null,
    takeTargetIndex: () => null,
  })
  const lines: string[] = []
  for (const { owner, sets } of zone?.nodes.values() ?? []) {
    for (const [type, set] of sets) {
      if (set.kind !== 'plain') throw new Error('the fixture steers')
      for (const { octets } of set.rdata)
        lines.push(recordLine(nameToText(owner), set.ttl, type, Buffer.from(octets)))
    }
  }
  return lines.sort()
}

function bind(): string[] {
  const { soa, records } = parse(text) as {
    soa: Record<string, string | number>
    records: Record<string, Record<string, string | string[]>>
  }
  const master = [`$TTL 300`, `@ SOA ${Object.values(soa).join(' ')}`]
  for (const [owner, types] of Object.entries(records)) {
    for (const [type, data] of Object.entries(types)) {
      for (const rdata of [data].flat()) master.push(`${owner} ${type} ${rdata}`)
    }
  }
  const input = join(scratch, 'types.example')
  writeFileSync(input, `${master.join('\n')}\n`)
  return rawRecords('types.example', input)
}

it('are read as BIND reads them, octet by octet', () => {
  const theirs = bind()
  expect(theirs).toHaveLength(35)
  expect(ours()).toEqual(theirs)
})
