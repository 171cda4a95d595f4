// Whatever files follow each other, and whatever resolvers make of TTLs: a name that any cache can hold has an address.
//
// The model is all caches that there can be. At each moment some resolver asks for every steered and every plain MX, and
// holds what it gets for its TTL, for what it raises that to, or for one after the other where one stands behind another.
// As long as any of them holds a name, its addresses are asked for.

import fc from 'fast-check'
import { expect, test } from 'vitest'

import { keyOfName, type NameKey, nameToText } from '../../src/wire/name.ts'
import { namesInRdata } from '../../src/wire/rdata/names.ts'
import { RRType } from '../../src/wire/rrtype.ts'
import { membersOf } from '../../src/zone/policy-members.ts'
import type { Zone } from '../../src/zone/zone.ts'
import { departingZone, zoneName } from '../departed/departing-zone.ts'
import { runs } from '../support/runs.ts'

const names = ['mx1', 'mx2', 'mx3', 'mx4']

interface ZoneFile {
  readonly targets: readonly string[]
  readonly isSteered: boolean
  readonly hasRelay: boolean
  /** TTL of the steered MX, seconds. */
  readonly ttl: number
  /** A plain MX that names the first target, with its TTL; null: there is none. */
  readonly plainTtl: number | null
  readonly pool: readonly string[]
}

const zoneFile: fc.Arbitrary<ZoneFile> = fc
  .record({
    targets: fc.subarray(names, { minLength: 1 }),
    isSteered: fc.boolean(),
    hasRelay: fc.boolean(),
    ttl: fc.integer({ min: 5, max: 600 }),
    plainTtl: fc.option(fc.integer({ min: 0, max: 2000 })),
    poolSize: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ poolSize, ...file }) => ({ ...file, pool: file.targets.slice(0, poolSize) }))

const textOf = ({ targets, pool, isSteered, hasRelay, ttl, plainTtl }: ZoneFile): string => `
zone: ${zoneName}
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.com. }
targets: { ${targets.map((name) => `${name}: { addresses: [192.0.2.${name.slice(2)}] }`).join(', ')} }
pools: { main: { targets: [${pool.join(', ')}] } }
steering: { inbound: [{ pools: [main] }] }
records:
  '@': { NS: ns.elsewhere.test. ${isSteered ? `, MX: { steer: inbound, ttl: ${ttl} }` : ''} }
  txt: { TXT: x }
${hasRelay ? '  relay: { address: { steer: inbound } }' : ''}
${plainTtl === null ? '' : `  static: { MX: { ttl: ${plainTtl}, data: 10 ${targets[0]} } }`}
${plainTtl !== null && hasRelay ? `  through: { MX: { ttl: ${plainTtl}, data: 10 relay } }` : ''}
`

const step = fc.record({
  file: zoneFile,
  /** Since the step before. */
  afterSeconds: fc.oneof(fc.integer({ min: 1, max: 900 }), fc.integer({ min: 3000, max: 9000 })),
})

/** What an answer is held for at most, by its TTL: as it is, raised to 300 s, and behind one that raised it before. */
const holds: readonly ((ttl: number) => number)[] = [
  (ttl) => ttl,
  (ttl) => Math.max(ttl, 300),
  (ttl) => ttl + 300,
]

/** Exchanges that an MX of the zone can name, with its TTL. */
function* exchanges({ nodes, apexKey }: Zone): Generator<readonly [string, NameKey, number]> {
  for (const { sets } of nodes.values()) {
    const set = sets.get(RRType.MX)
    const found =
      set?.kind === 'steered-mx'
        ? membersOf(set.policy).map(({ target }) => target.owner)
        : set?.kind === 'plain'
          ? set.rdata.flatMap((rdata) => namesInRdata(set.type, rdata).map(({ name }) => name))
          : []
    for (const name of found)
      if (keyOfName(name).endsWith(apexKey))
        yield [nameToText(name), keyOfName(name), set?.ttl ?? 0]
  }
}

const hasAddress = ({ nodes }: Zone, key: NameKey): boolean =>
  nodes.get(key)?.sets.has(RRType.A) === true

test('a name that a cache can hold has an address', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 2, maxLength: 7 }), (steps) => {
      const zone = departingZone()
      const held = new Map<string, { readonly key: NameKey; readonly lastSeconds: number }>()
      let seconds = 0
      let lastText = ''
      const gone: string[] = []
      const fillCaches = (): void => {
        for (const [name, key, ttl] of exchanges(zone.zone())) {
          const lastSeconds = Math.max(
            held.get(name)?.lastSeconds ?? 0,
            ...holds.map((hold) => seconds + hold(ttl)),
          )
          held.set(name, { key, lastSeconds })
        }
      }
      const askCaches = (): void => {
        for (const [name, { key, lastSeconds }] of held)
          if (lastSeconds >= seconds && !hasAddress(zone.zone(), key))
            gone.push(`${name} is held until ${lastSeconds}, and gone at ${seconds}`)
      }
      const goOn = (): void => {
        if (lastText === '') return
        zone.load(lastText, seconds)
        askCaches()
        fillCaches()
      }
      for (const { file, afterSeconds } of steps) {
        // Until the file changes, names are released as they come to their time, and clients go on asking.
        const changesAt = seconds + afterSeconds
        for (; seconds < changesAt; seconds += Math.min(233, changesAt - seconds)) goOn()
        seconds = changesAt
        lastText = textOf(file)
        goOn()
      }
      expect(gone).toEqual([])
    }),
    { numRuns: runs(250) },
  )
})

test('what has left does not stay for ever', () => {
  fc.assert(
    fc.property(fc.array(zoneFile, { minLength: 2, maxLength: 5 }), (files) => {
      const zone = departingZone()
      for (const [i, file] of files.entries()) zone.load(textOf(file), 100 * i)
      const last = textOf(files.at(-1) as ZoneFile)
      zone.load(last, 100_000)
      const kept = zone.zone().nodes.size
      const fresh = departingZone()
      fresh.load(last, 0)
      expect(kept).toBe(fresh.zone().nodes.size)
      expect(zone.memory().get(zoneName)?.departed).toEqual([])
    }),
    { numRuns: runs(100) },
  )
})
