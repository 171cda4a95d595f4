// What the overview says of a zone beside its name.

import { expect, test } from 'vitest'

import type { ZoneView } from '../../../console/store/rows.ts'
import { zoneNotes } from '../../../console/views/overview/zone-notes.ts'

const zone: ZoneView = {
  zone: 'smtp.example.test',
  serial: 1,
  loadedAt: null,
  file: 'a.yaml',
  hash: '0123456789abcdef',
  names: 3,
  signed: false,
  steered: [
    { name: 'smtp.example.test', type: 'MX', policy: 'inbound', ttl: 60, minTtl: 5 },
    { name: 'relay.smtp.example.test', type: 'A', policy: 'inbound', ttl: 30, minTtl: 5 },
  ],
  policies: [
    {
      name: 'inbound',
      onAllDown: 'all',
      rules: [
        { when: 'continent EU', pools: ['eu', 'us'] },
        { when: null, pools: ['us'] },
      ],
    },
  ],
  pools: ['eu', 'us', 'spare'].map((name) => ({
    name,
    minHealthy: 0,
    spill: 'all',
    panic: 0,
    spread: true,
    targets: [],
  })),
  targets: [],
  warnings: [],
}

test('names what is steered with its TTL, warnings, and for whom each pool leads', () => {
  const { steered, warnings, uses } = zoneNotes(zone)
  expect(steered).toMatch(/^MX at @, A at relay · TTL 1.min, at least 5.s$/)
  expect(warnings).toBe('no mistakes')
  expect([...uses.values()].map(({ leads }) => leads)).toEqual([
    'first for Europe',
    'first for everyone else',
    '',
  ])
})

test('says no TTL where nothing is steered', () => {
  expect(zoneNotes({ ...zone, steered: [] }).steered).toBe('')
})
