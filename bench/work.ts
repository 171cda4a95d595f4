// What is asked of all servers, and the same data for each of them in its own words.
//
// A server without a word for it has none in its row: Knot steers nothing, and a small script has no 100,000 names.

import { cityOf, mmdbFile } from '../test/support/mmdb-writer.ts'
import {
  asGoogle,
  asking,
  inRandomCase,
  numbers,
  type Questions,
  randomNames,
  randomSubnets,
} from './questions.ts'

export interface Work {
  readonly name: string
  readonly title: string
  readonly questions: Questions
  /** Of dnsperf. */
  readonly options: readonly string[]
  /** A zone file of mxsteer, and where it is to be reloaded a second one. */
  readonly ours: string
  /** The master file that `ours` names, `bulk.zone`; absent: it names none. */
  readonly bulk?: string
  /** A master file; `relay` and the like are added by each server's own words. */
  readonly records: string
  readonly gdnsd: Steered | null
  readonly knot: boolean
  /** Records added to the master file; null: not asked. */
  readonly pdns: string | null
  readonly dns2: 'static' | 'weighted' | 'mx' | 'nxdomain' | null
  readonly disturbance: 'flips' | 'reloads' | null
  /** The target `mx2` is taken out before the first question. */
  readonly isOneDead: boolean
  /** Asked with DO of servers that sign. */
  readonly isSigned: boolean
  /** GeoIP database. */
  readonly places: Uint8Array | null
}

export interface Steered {
  /** `plugins => { … }` */
  readonly plugins: string
  readonly records: string
}

const head = `
zone: bench.test
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test. }
`
const targets = `
targets:
  mx1: { addresses: [203.0.113.1] }
  mx2: { addresses: [203.0.113.2] }
  mx3: { addresses: [203.0.113.3] }
pools:
  all: { targets: { mx1: 2, mx2: 1, mx3: 1 } }
`
const ourRecords = `
records:
  "@": { NS: [ns1], MX: { steer: in } }
  ns1: { A: 192.0.2.53 }
  plain: { A: 192.0.2.1 }
  relay: { address: { steer: in, answers: 1 } }
`
export const steered: string = `${head}${targets}
steering:
  in: [{ pools: [all] }]
${ourRecords}`

const master = `$TTL 60
@ SOA ns1 hostmaster.example.test. 1 7200 900 604800 30
@ NS ns1
ns1 A 192.0.2.53
plain A 192.0.2.1
mx1 A 203.0.113.1
mx2 A 203.0.113.2
mx3 A 203.0.113.3
`
export const masterMx: string = `${master}@ MX 10 mx1
@ MX 20 mx2
@ MX 30 mx3
`
const weightedPlugin = `plugins => { weighted => { service_types => up, relay => {
  mx1 => [ 203.0.113.1, 2 ], mx2 => [ 203.0.113.2, 1 ], mx3 => [ 203.0.113.3, 1 ] } } }`
const weighted: Steered = { plugins: weightedPlugin, records: 'relay DYNA weighted!relay\n' }
const unsteered: Steered = { plugins: '', records: '' }

export const base: Omit<Work, 'name' | 'title' | 'questions'> = {
  options: [],
  ours: steered,
  records: master,
  gdnsd: unsteered,
  knot: true,
  pdns: '',
  dns2: null,
  disturbance: null,
  isOneDead: false,
  isSigned: false,
  places: null,
}

/** Each /16 of 11…99 somewhere: 22,784 networks on four continents, as a database and as gdnsd's list. */
function someplaces(): { database: Uint8Array; nets: string } {
  const next = numbers(13)
  const kinds = [
    { city: cityOf('DE', 'EU'), pool: 'eu' },
    { city: cityOf('US', 'NA'), pool: 'us' },
    { city: cityOf('JP', 'AS'), pool: 'as' },
    { city: cityOf('BR', 'SA'), pool: 'us' },
  ] as const
  const entries = Array.from({ length: 89 * 256 }, (_, i) => {
    const network = `${11 + (i >> 8)}.${i & 255}.0.0/16`
    return { network, ...(kinds[next(4)] as (typeof kinds)[number]) }
  })
  return {
    database: mmdbFile(
      entries.map(({ network, city }) => [network, city] as const),
      { type: 'GeoLite2-City' },
    ),
    nets: entries.map(({ network, pool }) => `${network} => [ ${pool} ]`).join('\n'),
  }
}

const geoPolicy = (zone: string): string =>
  `${zone}
  geo:
    - { when: { continent: [EU] }, pools: [eu] }
    - { when: { continent: [NA, SA] }, pools: [us] }
    - { pools: [as] }
${ourRecords}  geo: { address: { steer: geo, answers: 1 } }
`
const geoOurs = geoPolicy(`${head}${targets}  eu: { targets: [mx1] }
  us: { targets: [mx2] }
  as: { targets: [mx3] }
steering:
  in: [{ pools: [all] }]`)

const geoGdnsd = (nets: string): string => `plugins => { geoip => {
  maps => { m => { datacenters => [ eu, us, as ], nets => { ${nets} } } }
  resources => { geo => { map => m, service_types => up,
    dcmap => { eu => 203.0.113.1, us => 203.0.113.2, as => 203.0.113.3 } } } } }`

export const manyNames = (
  count: number,
): Pick<Work, 'ours' | 'records'> & { bulk: string; lines: string[] } => {
  const name = (i: number): string => `host${i}`
  const address = (i: number): string => `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`
  const all = Array.from({ length: count }, (_, i) => i)
  const next = numbers(17)
  const lines = Array.from({ length: 200_000 }, () => `${name(next(count))}.bench.test A`)
  const bulk = all.map((i) => `${name(i)} A ${address(i)}\n`).join('')
  const ours = `${steered}records_file: bulk.zone\n`
  return { ours, bulk, records: `${masterMx}${bulk}`, lines }
}

export const askedOf = ({
  lines,
  ...zones
}: ReturnType<typeof manyNames>): Pick<Work, 'ours' | 'bulk' | 'records' | 'questions'> => ({
  questions: { kind: 'text', lines },
  ...zones,
})

const manyPools = (count: number): Pick<Work, 'ours' | 'gdnsd' | 'questions'> => {
  const all = Array.from({ length: count }, (_, i) => i)
  const targetsOf = all.flatMap((i) =>
    [1, 2, 3].map((n) => `  t${i}-${n}: { addresses: [10.${n}.${i >> 8}.${i & 255}] }\n`),
  )
  const pools = all.map((i) => `  p${i}: { targets: { t${i}-1: 2, t${i}-2: 1, t${i}-3: 1 } }\n`)
  const policies = all.map((i) => `  s${i}: [{ pools: [p${i}] }]\n`)
  const records = all.map((i) => `  w${i}: { address: { steer: s${i}, answers: 1 } }\n`)
  const resources = all.map((i) => {
    const members = [1, 2, 3].map(
      (n) => `m${n} => [ 10.${n}.${i >> 8}.${i & 255}, ${n === 1 ? 2 : 1} ]`,
    )
    return `w${i} => { ${members.join(', ')} }\n`
  })
  const next = numbers(19)
  const lines = Array.from({ length: 100_000 }, () => `w${next(count)}.bench.test A`)
  return {
    ours: `${head}targets:\n${targetsOf.join('')}pools:\n${pools.join('')}steering:\n${policies.join('')}
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
  plain: { A: 192.0.2.1 }
${records.join('')}`,
    gdnsd: {
      plugins: `plugins => { weighted => { service_types => up, ${resources.join('')} } }`,
      records: all.map((i) => `w${i} DYNA weighted!w${i}\n`).join(''),
    },
    questions: { kind: 'text', lines },
  }
}

/** What steering meets beyond a pool whose targets are all up, for an address and for MX. */
const steeredWorks: readonly Pick<Work, 'name' | 'title' | 'ours' | 'isOneDead'>[] = [
  {
    name: 'regions',
    title: '3 targets in 2 regions',
    ours: steered.replace(/(mx1|mx2|mx3): \{/g, (text, target) =>
      text.replace('{', `{ region: ${target === 'mx3' ? 'us' : 'eu'},`),
    ),
    isOneDead: false,
  },
  {
    name: 'two-pools',
    title: '2 pools, a dead member in the first',
    ours: steered
      .replace(
        'pools:\n',
        '  b1: { addresses: [203.0.113.4] }\n  b2: { addresses: [203.0.113.5] }\npools:\n',
      )
      .replace('\nsteering:', '  second: { targets: [b1, b2] }\n\nsteering:')
      .replace('pools: [all]', 'pools: [all, second]'),
    isOneDead: true,
  },
  {
    name: 'suspect',
    title: '3 suspect targets: their port is closed, and a probe more decides',
    ours: steered
      .replaceAll('203.0.113.', '127.0.0.')
      .replace(
        'pools:\n',
        'probes:\n  p: { port: 1, fall: 10, interval: 5m, fast_interval: 5m }\npools:\n',
      )
      .replace('all: {', 'all: { probe: p,'),
    isOneDead: false,
  },
]

const sixteen = Array.from({ length: 16 }, (_, i) => i + 1)
export const sixteenTargets: string = `${head}
targets:
${sixteen.map((i) => `  mx${i}: { addresses: [203.0.113.${i}] }\n`).join('')}
pools:
  all: { targets: { ${sixteen.map((i) => `mx${i}: ${1 + (i % 4)}`).join(', ')} } }
steering:
  in: [{ pools: [all] }]
${ourRecords.replace('{ steer: in }', '{ steer: in, ladder: 4 }').replace('answers: 1', 'answers: 4')}`

export const pick: string = `"pickwrandom({{2,'203.0.113.1'},{1,'203.0.113.2'},{1,'203.0.113.3'}})"`
export const ask: Questions = asking('plain.bench.test A')
export const askRelay: Questions = asking('relay.bench.test A')
export const spellings: number = 20_000

export const ladderOfFour: string = `${masterMx}@ MX 40 mx4\nmx4 A 203.0.113.4\n`

/** By name; made when asked for, since some are large. */
export const works: readonly (() => Work)[] = [
  () => ({ ...base, name: 'static', title: 'static A', questions: ask, dns2: 'static' }),
  () => ({
    ...base,
    name: 'weighted',
    title: 'weighted A, 1 of 3 targets',
    questions: askRelay,
    gdnsd: weighted,
    knot: false,
    pdns: `relay LUA A ${pick}\n`,
    dns2: 'weighted',
  }),
  () => ({
    ...base,
    name: 'mx',
    title: 'MX, 3 exchanges: ours a ladder, drawn by weight, with additional addresses',
    questions: asking('bench.test MX'),
    records: masterMx,
    dns2: 'mx',
  }),
  () => ({
    ...base,
    name: 'static-0x20',
    title: 'static A, in random case',
    questions: inRandomCase('plain.bench.test A', spellings),
  }),
  () => ({
    ...base,
    name: 'weighted-0x20',
    title: 'weighted A, in random case',
    questions: inRandomCase('relay.bench.test A', spellings),
    gdnsd: weighted,
    knot: false,
    pdns: null,
  }),
  () => ({
    ...base,
    name: 'mx-0x20',
    title: 'MX, 3 exchanges, in random case',
    questions: inRandomCase('bench.test MX', spellings),
    records: masterMx,
  }),
  ...(['geo', 'google'] as const).map((name) => (): Work => {
    const { database, nets } = someplaces()
    return {
      ...base,
      name,
      ...(name === 'geo'
        ? { title: 'geo A, 50,000 random client subnets', questions: randomSubnets(50_000) }
        : {
            title: 'geo A as Google asks: 50,000 client subnets, random case, DO',
            questions: randomSubnets(50_000, asGoogle),
          }),
      ours: geoOurs,
      gdnsd: { plugins: geoGdnsd(nets), records: 'geo DYNA geoip!geo\n' },
      knot: false,
      pdns: null,
      places: database,
    }
  }),
  ...steeredWorks.flatMap(({ name, title, ...work }): (() => Work)[] => [
    () => ({
      ...base,
      ...work,
      name,
      title: `weighted A, ${title}`,
      questions: askRelay,
      gdnsd: weighted,
      knot: false,
      pdns: null,
    }),
    () => ({
      ...base,
      ...work,
      name: `${name}-mx`,
      title: `MX, ${title}`,
      questions: asking('bench.test MX'),
      records: masterMx,
    }),
  ]),
  () => ({
    ...base,
    name: '16-targets',
    title: 'A, 4 of 16 targets; gdnsd: 4 that stay the same',
    questions: askRelay,
    ours: sixteenTargets,
    records: `${master}${[1, 2, 3, 4].map((i) => `relay A 203.0.113.${i}\n`).join('')}`,
    pdns: null,
  }),
  () => ({
    ...base,
    name: '16-targets-mx',
    title: 'MX, a ladder of 4 of 16 targets; the others: 4 that stay the same',
    questions: asking('bench.test MX'),
    ours: sixteenTargets,
    records: ladderOfFour,
    pdns: null,
  }),
  () => ({
    ...base,
    name: 'nxdomain',
    title: 'NXDOMAIN, 300,000 random names',
    questions: { kind: 'text', lines: randomNames(300_000) },
    dns2: 'nxdomain',
  }),
  () => ({
    ...base,
    name: 'tcp',
    title: 'static A over TCP, pipelined on 10 connections',
    questions: ask,
    options: ['-m', 'tcp'],
  }),
  ...[1000, 100_000].map((count) => (): Work => {
    const title = `static A, ${count.toLocaleString('en')} names asked at random`
    return { ...base, name: `names${count / 1000}k`, title, ...askedOf(manyNames(count)) }
  }),
  () => ({
    ...base,
    name: 'flips',
    title: 'weighted A, while a target comes or goes 10 times a second',
    questions: askRelay,
    gdnsd: weighted,
    knot: false,
    pdns: null,
    disturbance: 'flips',
  }),
  () => ({
    ...base,
    name: 'reloads',
    title: 'static A, while the zone reloads twice a second',
    questions: ask,
    pdns: null,
    disturbance: 'reloads',
  }),
  () => ({
    ...base,
    name: '1000-pools',
    title: 'weighted A, 1,000 pools of 3 targets asked at random',
    knot: false,
    pdns: null,
    ...manyPools(1000),
  }),
]
