// Who is probed in bench/probe-scale.ts, as zone files and as a configuration of HAProxy: the same addresses and ports
// at the same pace. By pools of twenty: 68 % live, 20 % dead, 10 % mute, 2 % flapping (ten seconds well, ten not).

export const ports = {
  live: 2525,
  dead: 2526,
  mute: 2527,
  flapping: 2528,
  dns: 5300,
  admin: 8053,
  front: 2600,
} as const

const kinds = ['live', 'dead', 'mute', 'flapping'] as const
export type Kind = (typeof kinds)[number]

export const zones = 10
const poolSize = 20
const poolsOfPolicy = 10

/** Sixteen targets a network: no cap of networks is in the way. */
export const addressOf = (i: number): string =>
  `127.${1 + (i >> 12)}.${(i >> 4) & 255}.${1 + (i & 15)}`

/** Of fifty pools 34, 10, 5 and 1; mixed, so that each policy has some of the first three. */
export function kindOf(i: number): Kind {
  const of50 = (Math.floor(i / poolSize) * 7) % 50
  if (of50 < 34) return 'live'
  if (of50 < 44) return 'dead'
  return of50 < 49 ? 'mute' : 'flapping'
}

export function zoneText(zone: number, count: number, isProbed: boolean): string {
  const size = count / zones
  const members = Array.from({ length: size }, (_, i) => zone * size + i)
  const pools = chunks(members, poolSize)
  const policies = chunks([...pools.keys()], poolsOfPolicy)
  return [
    `zone: bench${zone}.test`,
    'soa: { mname: ns1, rname: hostmaster.bench.test. }',
    'targets:',
    ...members.map((i) => `  t${i}: { addresses: [${addressOf(i)}] }`),
    ...(isProbed
      ? ['probes:', ...kinds.map((kind) => `  ${kind}: { port: ${ports[kind]}, interval: 10s }`)]
      : []),
    'pools:',
    ...pools.map((pool, i) => {
      const probe = isProbed ? `probe: ${kindOf(pool[0] as number)}, ` : ''
      return `  p${i}: { ${probe}targets: { ${pool.map((each) => `t${each}: 1`).join(', ')} } }`
    }),
    ...steeredLines(policies),
  ].join('\n')
}

/** Policies by the numbers of their pools, an MX for each, and the end of the zone file. */
export const steeredLines = (policies: readonly (readonly number[])[]): readonly string[] => [
  'steering:',
  ...policies.map((some, i) => `  s${i}: [{ pools: [${some.map((p) => `p${p}`).join(', ')}] }]`),
  'records:',
  '  "@": { NS: ns1 }',
  ...policies.map((_, i) => `  mx${i}: { MX: { steer: s${i} } }`),
  '  ns1: { A: 127.0.0.1 }',
  '',
]

export const haproxyText = (count: number): string =>
  [
    'global',
    '  nbthread 1',
    '  maxconn 1000',
    '  spread-checks 10',
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 10s',
    '  timeout server 10s',
    '  timeout check 10s',
    'listen mx',
    `  bind 127.0.0.1:${ports.front}`,
    '  option smtpchk EHLO probe.bench.test',
    '  default-server check inter 10s fastinter 5s fall 3 rise 2',
    ...Array.from(
      { length: count },
      (_, i) => `  server t${i} ${addressOf(i)}:${ports[kindOf(i)]}`,
    ),
    '',
  ].join('\n')

const chunks = <Item>(items: readonly Item[], size: number): readonly (readonly Item[])[] =>
  Array.from({ length: Math.ceil(items.length / size) }, (_, i) =>
    items.slice(i * size, (i + 1) * size),
  )
