// Hostile zone files: each gets its mistakes, with work that grows as the file does.

import { expect, it } from 'vitest'
import type { Diagnostic } from '../../src/zonefile/diagnostic.ts'
import { readZone } from '../../src/zonefile/load-zones.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { costRatio } from '../support/cpu-time.ts'
import { readZonesHere } from '../support/read-zones.ts'
import { temporaryFolder } from '../support/server.ts'
import { hostileTexts } from './hostile-texts.ts'

const small = 2 ** 16

async function diagnose(text: string): Promise<readonly Diagnostic[]> {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'hostile.yaml'), text)
  const read = await readZonesHere(folder)
  return read.kind === 'rejected' ? read.diagnostics : read.warnings
}

it.each(hostileTexts)(
  '$name',
  async ({ make, codes }) => {
    const found = await diagnose(make(small))
    expect([...new Set(found.map(({ code }) => code))].sort()).toEqual(codes)
    expect(found.length).toBeLessThanOrEqual(101)
    for (const { message, path, excerpt } of found)
      expect(message.length + path.length + excerpt.length).toBeLessThan(5000)
    const read = (octets: number) => {
      const text = new TextEncoder().encode(make(octets))
      return (): unknown => readZone('hostile.yaml', text)
    }
    const ratio = costRatio(read(small), read(4 * small), 16)
    expect(ratio).toBeLessThan(16)
  },
  600_000,
)
