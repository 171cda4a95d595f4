// A random zone, printed as a master file in any layout, and imported: the zone file compiles to the same records, and has
// no mistakes; the YAML package reads of it what was meant.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { importZone } from '../../src/migration/import-zone.ts'
import { readMasterSource } from '../../src/migration/read-source.ts'
import { nameToText, parseName } from '../../src/wire/name.ts'
import { RRType } from '../../src/wire/rrtype.ts'
import { compiledZone } from '../support/compiled-zone.ts'
import { recordLine } from '../support/master-file.ts'
import { printedZone } from '../support/master-layouts.ts'
import { runs } from '../support/runs.ts'

async function imported(text: string): Promise<string> {
  const apex = parseName('example.')
  if (apex.kind === 'bad') throw new Error(apex.why)
  const master = await readMasterSource('a.zone', apex.name, () =>
    Promise.resolve({ kind: 'octets', octets: Buffer.from(text) }),
  )
  const made = importZone({
    apex: apex.name,
    master,
    from: 'a.zone',
    isSteered: false,
    fileOf: (file) => file,
  })
  if (made.kind === 'refused') throw new Error(JSON.stringify(made.diagnostics))
  return made.yaml
}

/** Records of plain sets, as `recordsOf` has them. */
function recordsOfFile(yaml: string): string[] {
  const { zone } = compiledZone(yaml)
  return [...zone.nodes.values()]
    .flatMap(({ owner, sets }) =>
      [...sets.values()].flatMap((set) => {
        if (set.kind !== 'plain' || set.type === RRType.SOA) return []
        const name = nameToText(owner)
        return set.rdata.map(({ octets }) =>
          recordLine(name, set.ttl, set.type, Buffer.from(octets)),
        )
      }),
    )
    .sort()
}

it('has the records that were printed', async () => {
  await fc.assert(
    fc.asyncProperty(printedZone, async ({ text, expected }) => {
      const head = '@ 60 SOA . . 1 2 3 4 5\n@ 60 NS ns.invalid.\n'
      const yaml = await imported(head + text)
      const apexNs = recordLine('example.', 60, RRType.NS, Buffer.from('\x02ns\x07invalid\0'))
      expect([yaml, recordsOfFile(yaml)]).toEqual([yaml, [...expected, apexNs].sort()])
    }),
    { numRuns: runs(1000) },
  )
}, 600_000)
