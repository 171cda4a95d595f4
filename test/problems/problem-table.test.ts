// Each kind of problem: what the components report → what an operator is told, and since when.

import { describe, expect, test } from 'vitest'

import { exclusionProblem } from '../../src/coherence/coherence-watch.ts'
import type { EmptyPool } from '../../src/problems/empty-pools.ts'
import {
  type EmptyPoolChange,
  ProblemWatch,
  type ServerState,
  problemKinds,
  problemsOf,
} from '../../src/problems/problem-table.ts'

const nowMs = Date.UTC(2026, 10, 29, 3)

const well: ServerState = {
  nowMs,
  notReady: [],
  listeners: [],
  announce: [],
  emptyPools: [],
  sharedSlots: [],
  zoneMistakes: [],
  certificate: { mistake: null, expiresAtSeconds: nowMs / 1000 + 90 * 86_400 },
  databases: [{ database: 'country', facts: {}, refusal: null }],
  unwritten: null,
  store: {
    degraded: false,
    reasons: [],
    unansweredSeconds: 1,
    fenced: false,
    seals: { mode: 'require', unauthentic: [] },
    config: { differs: false, groups: [] },
    missing: [],
  },
  prober: {
    isIsolated: false,
    isStalled: false,
    isolatedFamilies: [],
    heldGroups: [],
    ownFaults: { count: 0, blind: 0, of: 10, reasons: '' },
  },
  workers: { alive: 3, of: 3 },
  names: [],
  signing: {
    clock: 'right',
    keys: [{ zone: 'mail.example.test', refusal: null, goesOnAsBefore: false, hasLapsed: false }],
    mismatches: [],
  },
}
const { store, prober } = well
const mistake = {
  file: 'zones/mail.yaml',
  line: 12,
  column: 3,
  path: 'pools.eu',
  message: 'unknown key',
}
const emptyEu: EmptyPool = {
  zone: 'smtp.example.test',
  pool: 'eu',
  uses: [{ policy: 'inbound', rule: 1, instead: 'servfail', pools: [] }],
}
const certificate = (days: number): Partial<ServerState> => ({
  certificate: { mistake: null, expiresAtSeconds: nowMs / 1000 + days * 86_400 },
})
const withStore = (part: Partial<NonNullable<ServerState['store']>>): Partial<ServerState> => ({
  store: store && { ...store, ...part },
})
const withProber = (part: Partial<ServerState['prober']>): Partial<ServerState> => ({
  prober: { ...prober, ...part },
})

const withSigning = (part: Partial<ServerState['signing']>): Partial<ServerState> => ({
  names: [],
  signing: { ...well.signing, ...part },
})
const signedZone = {
  zone: 'mail.example.test',
  refusal: { atMs: nowMs + 86_400_000, why: 'no key is active', isDue: true },
  goesOnAsBefore: false,
  hasLapsed: false,
}

const cases: readonly (readonly [string, Partial<ServerState>, RegExp])[] = [
  [
    'pool-empty critical',
    { emptyPools: [emptyEu] },
    /pool eu of smtp\.example\.test: SERVFAIL is answered \(on_all_down: servfail\), by inbound rule 1\. `mxsteer targets`/,
  ],
  [
    'pool-empty warning',
    {
      emptyPools: [
        {
          ...emptyEu,
          uses: [{ policy: 'inbound', rule: 2, instead: 'other-pool', pools: ['us', 'ap'] }],
        },
      ],
    },
    /its clients go to pool us, ap, by inbound rule 2/,
  ],
  [
    'slots-shared warning',
    {
      sharedSlots: [
        {
          zone: 'smtp.example.test',
          names: ['in1.smtp.example.test', 'in2.smtp.example.test', 'in3.smtp.example.test'],
          policy: 'inbound',
          rule: 1,
          eligible: ['mx1', 'mx2'],
        },
      ],
    },
    /^2 targets are eligible by inbound rule 1 \(mx1, mx2\) for the 3 slots in1\./,
  ],
  ['pool-empty warning', { emptyPools: [{ ...emptyEu, uses: [] }] }, /no rule needs it now/],
  ['not-ready critical', { notReady: ['no answer to our own SOA from 127.0.0.1:53'] }, /own SOA/],
  ['workers-down warning', { workers: { alive: 2, of: 3 } }, /^2 of 3 answering threads serve/],
  ['workers-down critical', { workers: { alive: 0, of: 3 } }, /^0 of 3/],
  [
    'listener-unavailable warning',
    { listeners: [{ endpoint: '[::]:53', why: 'EAFNOSUPPORT', isBound: false }] },
    /^no client could ask at \[::\]:53 since the start \(EAFNOSUPPORT\): it is bound at the next start only/,
  ],
  [
    'listener-unavailable warning',
    { listeners: [{ endpoint: '[::]:53', why: 'no address', isBound: true }] },
    /it serves as soon as there is one/,
  ],
  [
    'announce-failed critical',
    { announce: [{ what: 'file', why: 'EACCES' }] },
    /^the file of announce failed \(EACCES\): .* tried again each second/,
  ],
  [
    'announce-failed critical',
    { announce: [{ what: 'command', why: 'exit 1' }] },
    /^the command of announce failed \(exit 1\): .* at the next change only/,
  ],
  ['prober-isolated critical', withProber({ isIsolated: true }), /cut off/],
  [
    'prober-isolated warning',
    withProber({ isolatedFamilies: [6] }),
    /IPv6 alone: canaries of IPv6 do not answer/,
  ],
  ['probes-stalled critical', withProber({ isStalled: true }), /no probe starts/],
  ['probes-held warning', withProber({ heldGroups: ['eu'] }), /of pool eu began to fail at once/],
  ['probes-held warning', withProber({ heldGroups: ['*'] }), /of all pools began to fail/],
  [
    'probes-own-fault warning',
    withProber({ ownFaults: { count: 5, blind: 0, of: 10, reasons: 'local-ports' } }),
    /^5 of 10 addresses .*\(local-ports\)/,
  ],
  [
    'probes-own-fault warning',
    withProber({ ownFaults: { count: 1, blind: 1, of: 10, reasons: 'local-no-route' } }),
    /^1 of 10 addresses .*\(local-no-route\)/,
  ],
  [
    'zones-rejected warning',
    { zoneMistakes: [mistake] },
    /not served: zones\/mail\.yaml:12:3 pools\.eu: unknown key\. What/,
  ],
  [
    'zones-rejected warning',
    { zoneMistakes: [mistake, mistake] },
    /unknown key, and 1 more mistake\./,
  ],
  [
    'zones-rejected warning',
    { zoneMistakes: Array.from({ length: 9 }, () => mistake) },
    /and 8 more mistakes\./,
  ],
  [
    'certificate-refused warning',
    { certificate: { mistake: { ...mistake, line: 0, path: '' }, expiresAtSeconds: 0 } },
    /not in force: zones\/mail\.yaml: unknown key/,
  ],
  ['certificate-expires warning', certificate(6), /expires on 2026-12-05: renew it/],
  ['certificate-expires critical', certificate(-1), /expired on 2026-11-28/],
  [
    'geoip-refused warning',
    { databases: [{ database: 'asn', facts: {}, refusal: 'it is cut short' }] },
    /asn database was refused: it is cut short\. The one before goes on/,
  ],
  [
    'geoip-refused critical',
    { databases: [{ database: 'country', facts: null, refusal: 'ENOENT' }] },
    /None is in force/,
  ],
  [
    'state-unwritten warning',
    { unwritten: { file: '/s/a.state', why: 'EROFS' } },
    /^\/s\/a\.state cannot be written \(EROFS\)/,
  ],
  [
    'store-degraded warning',
    withStore({ degraded: true, unansweredSeconds: 70 }),
    /not answered for 70 s\. Every/,
  ],
  [
    'store-degraded warning',
    withStore({
      degraded: true,
      unansweredSeconds: 70,
      reasons: [
        { why: 'WRONGPASS', forSeconds: 20 },
        { why: 'ECONNREFUSED', forSeconds: 64 },
      ],
    }),
    /for 70 s: WRONGPASS for 20 s, before that ECONNREFUSED\./,
  ],
  [
    'records-unauthentic warning',
    withStore({
      seals: {
        mode: 'require',
        unauthentic: [
          { peer: 'ns2', why: 'unverified' },
          { peer: null, why: 'unverified' },
        ],
      },
    }),
    /of ns2, no instance have a seal that no state_secret here verifies\. They are ignored\./,
  ],
  [
    'records-unauthentic warning',
    withStore({ seals: { mode: 'permit', unauthentic: [{ peer: 'ns3', why: 'unsealed' }] } }),
    /of ns3 have no seal\. They are used all the same/,
  ],
  ['clock-behind critical', withSigning({ clock: 'behind' }), /SERVFAIL.*Set the clock/],
  [
    'clock-frozen critical',
    withSigning({ clock: 'frozen' }),
    /for a day at most\. Set the clock right/,
  ],
  [
    'ds-mismatch critical',
    withSigning({
      mismatches: [
        { zone: 'a.test', parent: 'test', servers: ['ns1.test (192.0.2.1)'], ds: ['7 13 2'] },
      ],
    }),
    /^resolvers that validate refuse every answer of a\.test: the DS that test has at ns1\.test \(192\.0\.2\.1\) \(7 13 2\) lead/,
  ],
  [
    'keys-refused critical',
    withSigning({ keys: [{ ...signedZone, goesOnAsBefore: true, hasLapsed: false }] }),
    /^the keys of mail\.example\.test go on as before.*: no key is active\. Set other times/,
  ],
  [
    'keys-lapsed critical',
    withSigning({ keys: [{ ...signedZone, hasLapsed: true }] }),
    /^mail\.example\.test is answered SERVFAIL .*: no key is active\. Put a new response/,
  ],
  [
    'keys-run-out warning',
    withSigning({ keys: [signedZone] }),
    /^the keys of mail\.example\.test cannot sign it any more from 2026-11-30 on: no key is active\./,
  ],
  [
    'names-apart warning',
    { names: [exclusionProblem({ zone: 'a.test', target: 'mx1', facet: 'tlsa', text: 'none' })] },
    /^tlsa of mx1\.a\.test: none\. Senders that go by it do not deliver there/,
  ],
  ['name-taken warning', withStore({ fenced: true }), /a name of its own/],
  [
    'config-differs warning',
    withStore({
      config: { differs: true, groups: [{ instances: ['ns1', 'ns3'] }, { instances: ['ns2'] }] },
    }),
    /: ns1, ns3 \| ns2\./,
  ],
  [
    'peer-missing warning',
    withStore({ missing: [{ instance: 'ns2', site: 'ams', ageSeconds: 60 }] }),
    /^ns2 at ams went silent/,
  ],
]

describe('the table', () => {
  test('says nothing of a server that is well, alone or not', () => {
    expect(problemsOf(well)).toEqual([])
    expect(problemsOf({ ...well, store: null, certificate: null, notReady: null })).toEqual([])
    // A few addresses that could not be probed come and go.
    const few = { count: 4, blind: 0, of: 10, reasons: 'local-ports' }
    expect(problemsOf({ ...well, ...withProber({ ownFaults: few }) })).toEqual([])
    const none = { count: 0, blind: 0, of: 0, reasons: '' }
    expect(problemsOf({ ...well, ...withProber({ ownFaults: none }) })).toEqual([])
    // Blind before this host was isolated, which is a problem of its own.
    const before = { count: 0, blind: 1, of: 10, reasons: '' }
    expect(problemsOf({ ...well, ...withProber({ ownFaults: before }) })).toEqual([])
  })

  test.each(cases)('%s: %o', (named, part, text) => {
    const found = problemsOf({ ...well, ...part })
    expect(found.map(({ kind, severity }) => `${kind} ${severity}`)).toEqual([named])
    expect(found[0]?.text).toMatch(text)
  })

  test('has a case for each kind', () => {
    const named = new Set(cases.map(([kind]) => kind.split(' ')[0]))
    expect(new Set([...named, 'more-problems'])).toEqual(new Set(problemKinds))
  })

  test('is a list of 100 at most, critical ones first', () => {
    const heldGroups = Array.from({ length: 150 }, (_, i) => `pool${i}`)
    const many = problemsOf({ ...well, ...withProber({ heldGroups, isIsolated: true }) })
    expect(many).toHaveLength(101)
    expect(many[0]?.kind).toBe('prober-isolated')
    expect(many.at(-1)).toMatchObject({
      kind: 'more-problems',
      text: expect.stringMatching(/^and 51 more/),
    })
  })
})

describe('since when', () => {
  test('a problem stands from when it was first seen until it is over', () => {
    const watch = new ProblemWatch(() => {})
    const at = (ms: number, part: Partial<ServerState>) =>
      watch.observe({ ...well, nowMs: ms, ...part }).map(({ kind, sinceMs }) => [kind, sinceMs])
    const broken = { zoneMistakes: [mistake] }
    expect(at(1000, broken)).toEqual([['zones-rejected', 1000]])
    expect(at(9000, broken)).toEqual([['zones-rejected', 1000]])
    expect(at(10_000, {})).toEqual([])
    expect(at(11_000, broken)).toEqual([['zones-rejected', 11_000]])
    const [[, degraded]] = at(70_000, withStore({ degraded: true, unansweredSeconds: 30 })) as [
      [string, number],
    ]
    expect(degraded).toBe(40_000)
    expect(at(71_000, { notReady: ['stopping'] })).toEqual([['not-ready', null]])
  })

  test('a pool is reported when it is empty, when something else is answered, and when that is over', () => {
    const seen: EmptyPoolChange[] = []
    const watch = new ProblemWatch((change) => seen.push(change))
    const show = (...emptyPools: readonly EmptyPool[]): string[] => {
      seen.length = 0
      watch.observe({ ...well, emptyPools })
      return seen.map(({ pool, uses, isOver }) =>
        [pool, ...uses.map((use) => use.instead), isOver].join(' '),
      )
    }
    expect(show()).toEqual([])
    expect(show(emptyEu)).toEqual(['eu servfail false'])
    expect(show({ ...emptyEu })).toEqual([])
    const spilled = {
      ...emptyEu,
      uses: [{ policy: 'inbound', rule: 1, instead: 'other-pool', pools: ['us'] }],
    } as const
    expect(show(spilled, { ...emptyEu, pool: 'ap' })).toEqual([
      'eu other-pool false',
      'ap servfail false',
    ])
    expect(show(spilled)).toEqual(['ap true'])
    expect(show()).toEqual(['eu true'])
  })
})
