// The corpus of master files in fixtures/master, read here, by BIND and, but for what it lacks, by NSD: owner, TTL, type
// and data of every record have to be the same.

import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rawRecords } from '../support/bind-raw.ts'
import { readMaster, recordsOf } from '../support/master-file.ts'
import { printedZone } from '../support/master-layouts.ts'
import { runs } from '../support/runs.ts'
import { temporaryFolder } from '../support/server.ts'

const corpus = join(import.meta.dirname, '../fixtures/master')
const files = readdirSync(corpus).filter((file) => file.endsWith('.zone'))

/** What BIND has and this server leaves out, and the SOA, whose TTL is that of the YAML. */
const leftOut = /^\S+ \d+ (?:SOA|DNSKEY|CDS|CDNSKEY|TYPE46|TYPE47|TYPE51|RRSIG|NSEC|NSEC3PARAM) /

const bind = (file: string): string[] =>
  rawRecords('example.', file, corpus).filter((line) => !leftOut.test(line))

it('has every directive and every way to write an escape', () => {
  const all = files.map((file) => readFileSync(join(corpus, file), 'utf8')).join('\n')
  for (const part of ['$ORIGIN', '$TTL', '$INCLUDE', '$GENERATE', '\\#', '\\"', '\\0', '(', '@ '])
    expect(all).toContain(part)
})

it.each(files)('%s is read as BIND reads it', (file) => {
  const { records, problems } = readMaster(file, (name) => readFileSync(join(corpus, name)))
  expect(problems.filter(({ severity }) => severity === 'error')).toEqual([])
  const ours = recordsOf(records)
  expect(ours.length).toBeGreaterThan(3)
  expect(ours).toEqual(bind(file))
})

/** NSD has no $GENERATE, no relative origins, another rule for TTLs that are not stated, and no quotes around paths. */
const forNsd = files.filter((file) => !/^(?:generate|ttls|origins|bind-only)\.zone$/.test(file))

it.each(forNsd)('%s is read as NSD reads it', (file) => {
  const printed = execFileSync('nsd-checkzone', ['-p', 'example.', file], { cwd: corpus })
  const copy = join(temporaryFolder(), 'printed.zone')
  writeFileSync(copy, printed)
  const { records } = readMaster(file, (name) => readFileSync(join(corpus, name)))
  expect(recordsOf(records)).toEqual(bind(copy))
})

it('zones in any layout are to BIND what was printed', () => {
  const file = join(temporaryFolder(), 'layout.zone')
  const apex = /^example\. \d+ (?:SOA|NS) /
  fc.assert(
    fc.property(printedZone, ({ text, expected }) => {
      writeFileSync(file, `@ 60 SOA . . 1 2 3 4 5\n@ 60 NS ns.invalid.\n${text}`)
      const read = rawRecords('example.', file).filter((line) => !apex.test(line))
      expect([text, read]).toEqual([text, expected])
    }),
    { numRuns: runs(100) },
  )
}, 600_000)
