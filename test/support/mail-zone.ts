// The zone file of end-to-end tests, as an operator would write it: one steered mail domain, one pool, one probe.

export interface MailTarget {
  readonly address: string
  readonly weight: number
}

export interface MailZone {
  /** In the order of their names: mx1, mx2… */
  readonly targets: Readonly<Record<string, MailTarget>>
  readonly port: number
  /** Keys of the probe, e.g. `fall: 3`. */
  readonly probe?: Readonly<Record<string, string | number>>
  /** Answers of relay.<zone>. */
  readonly answers?: number
  readonly ladder?: number
  /** More lines of `records:`, indented by two. */
  readonly records?: readonly string[]
}

export const mailDomain = 'smtp.example.test'

/** Quick enough for a test, slow enough for a busy machine. */
export const quickProbe = {
  level: 'ehlo',
  ehlo: 'probe.example.test',
  interval: '1s',
  fast_interval: '500ms',
  fall: 3,
  rise: 2,
  connect_timeout: '1s',
  banner_timeout: '2s',
  command_timeout: '2s',
  slow_start: '0s',
} as const

export function mailZone(zone: MailZone): string {
  const targets = Object.entries(zone.targets)
  const probe = { port: zone.port, ...quickProbe, ...zone.probe }
  return [
    `zone: ${mailDomain}`,
    'ttl: 60',
    'soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }',
    'targets:',
    ...targets.map(([name, { address }]) => `  ${name}: { addresses: [${address}] }`),
    'probes:',
    `  inbound: { ${pairs(Object.entries(probe))} }`,
    'pools:',
    `  main: { probe: inbound, targets: { ${pairs(targets.map(([name, { weight }]) => [name, weight]))} } }`,
    'steering:',
    '  inbound:',
    '    - { pools: [main] }',
    'records:',
    '  "@":',
    '    NS: [ns1]',
    `    MX: { steer: inbound, ladder: ${zone.ladder ?? 4} }`,
    '  relay:',
    `    address: { steer: inbound, answers: ${zone.answers ?? 2} }`,
    '  ns1: { A: 127.0.0.1 }',
    ...(zone.records ?? []),
    '',
  ].join('\n')
}

const pairs = (entries: readonly (readonly [string, unknown])[]): string =>
  entries.map(([key, value]) => `${key}: ${String(value)}`).join(', ')

/** `mx1` → `mx1.smtp.example.test`. */
export const exchangeOf = (target: string): string => `${target}.${mailDomain}`
