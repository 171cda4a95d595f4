// The thread of the zone files, and what becomes of a load that it does not end.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadZones } from '../../src/zonefile/run-load.ts'
import { readZonesHere, requestInThread } from '../support/read-zones.ts'
import { temporaryFolder } from '../support/server.ts'

const entry = new URL('../fixtures/workers/hostile-load.ts', import.meta.url)

it('finds in the thread what it finds here', async () => {
  const folder = join(temporaryFolder(), 'zones')
  const good = join(import.meta.dirname, '../fixtures/config/good')
  mkdirSync(folder)
  for (const [i, file] of readdirSync(good).entries())
    writeFileSync(
      join(folder, file),
      renamed(readFileSync(join(good, file), 'utf8'), `zone${i}.test`),
    )
  const inThread = await loadZones(requestInThread(folder))
  const here = await readZonesHere(folder)
  expect(here.kind).toBe('loaded')
  expect(inThread).toMatchObject(here)
  if (inThread.kind === 'loaded') expect(inThread.catalog.zones.size).toBe(inThread.zones.length)
}, 600_000)

it('refuses a folder of more files than max_zone_files, and says so', async () => {
  const folder = temporaryFolder()
  const text = readFileSync(join(import.meta.dirname, '../../zones/smtp.example.test.yaml'), 'utf8')
  for (const name of ['a', 'b', 'c'])
    writeFileSync(join(folder, `${name}.yaml`), renamed(text, `${name}.test`))
  const request = requestInThread(folder)
  expect(await loadZones({ ...request, filesMax: 2 })).toMatchObject({
    kind: 'rejected',
    diagnostics: [
      {
        code: 'too-many-files',
        message: '3 zone files, expected at most 2: raise the setting max_zone_files',
      },
    ],
  })
  expect(await loadZones({ ...request, filesMax: 3 })).toMatchObject({ kind: 'loaded' })
})

function renamed(text: string, name: string): string {
  const [, own = ''] = /^zone: (\S+)/m.exec(text) ?? []
  return text.replaceAll(own, name)
}

it.each([
  ['endless', 'too-slow', 1],
  ['goes-on', 'too-slow', 600],
  ['backtracking', 'too-slow', 1],
  ['one-array', 'too-much-memory', 600],
  ['objects', 'too-much-memory', 600],
  ['strings', 'too-much-memory', 600],
  ['throws', 'reading-failed', 600],
  ['ends', 'reading-failed', 600],
])(
  'gives up a thread that is %s: %s',
  async (name, code, seconds) => {
    const folder = join(temporaryFolder(), name)
    mkdirSync(folder)
    for (const file of ['a.yaml', 'b.yaml', 'c.yaml'])
      writeFileSync(join(folder, file), 'zone: x\n')
    let ticks = 0
    const timer = setInterval(() => ticks++, 20)
    const loaded = await loadZones(requestInThread(folder), {
      limits: { seconds, allSeconds: name === 'goes-on' ? 1 : 600, heapMebibytes: 128 },
      entry,
    })
    clearInterval(timer)
    const found = loaded.kind === 'rejected' ? loaded.diagnostics : []
    // The mistakes that were found before are shown too, and the file at which it ended is named.
    expect(found.map((one) => [one.file, one.code])).toEqual([
      [join(folder, 'a.yaml'), 'syntax'],
      [join(folder, 'b.yaml'), code],
    ])
    // This thread was not held up meanwhile.
    expect(ticks).toBeGreaterThan(0)
  },
  600_000,
)
