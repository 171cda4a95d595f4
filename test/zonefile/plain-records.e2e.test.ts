// The records of good/plain-types.yaml, written again as a master file: BIND's reading of them has to be ours.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readZone } from '../../src/zonefile/load-zones.ts'
import { compileZone } from '../../src/zone/compile/compile.ts'
import { nameToText } from '../../src/wire/name.ts'
import { typeToText } from '../../src/wire/rrtype.ts'

const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-bind-'))
afterAll(() => rmSync(scratch, { recursive: true }))
const text = readFileSync(
  join(import.meta.dirname, '../fixtures/config/good/plain-types.yaml'),
  'utf8',
)

/** Records as `owner type length hex`, which is what RFC 3597 makes of any of them. */
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
        lines.push(line(nameToText(owner), typeToText(type), Buffer.from(octets)))
    }
  }
  return lines.sort()
}

const line = (owner: string, type: string, rdata: Buffer): string =>
  `${owner.toLowerCase()} ${type} ${rdata.length} ${rdata.toString('hex')}`

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
  const output = join(scratch, 'raw')
  writeFileSync(input, `${master.join('\n')}\n`)
  const checks = [
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
    '-S',
    'ignore',
  ]
  execFileSync('named-compilezone', [
    ...checks,
    '-s',
    'full',
    '-F',
    'raw',
    '-o',
    output,
    'types.example',
    input,
  ])
  return readRaw(readFileSync(output))
}

/** BIND's raw format, version 1: a header, then RRsets (lib/dns/master.c documents it as dump_rdataset_raw). */
function readRaw(file: Buffer): string[] {
  const lines: string[] = []
  const headerOctets = file.readUInt32BE(4) === 0 ? 12 : 24
  for (let at = headerOctets; at < file.length;) {
    const end = at + file.readUInt32BE(at)
    const type = file.readUInt16BE(at + 6)
    const count = file.readUInt32BE(at + 14)
    const nameOctets = file.readUInt16BE(at + 18)
    const owner = nameToText(file.subarray(at + 20, at + 20 + nameOctets))
    let next = at + 20 + nameOctets
    for (let i = 0; i < count; i++) {
      const length = file.readUInt16BE(next)
      lines.push(line(owner, typeToText(type), file.subarray(next + 2, next + 2 + length)))
      next += 2 + length
    }
    expect(next).toBe(end)
    at = end
  }
  return lines.sort()
}

it('are read as BIND reads them, octet by octet', () => {
  const theirs = bind()
  expect(theirs).toHaveLength(35)
  expect(ours()).toEqual(theirs)
})
