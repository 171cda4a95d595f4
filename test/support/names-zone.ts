// A zone of which the names around the mail are what a test is about.

export const apex = 'smtp.example.test'

interface ZoneParts {
  readonly top?: string
  readonly targets: string
  readonly pool: string
  readonly probes?: string
}

export const zoneOf = ({ top = '', targets, pool, probes = '' }: ZoneParts): string => `
zone: ${apex}
ttl: 60
soa: { mname: ns1, rname: hostmaster }
${top}
${probes}
targets: { ${targets} }
pools: { main: { targets: [${pool}] ${probes === '' ? '' : ', probe: inbound'} } }
steering: { inbound: [{ pools: [main] }] }
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
`

export const twoTargets = {
  targets: 'mx1: { addresses: [127.0.0.21] }, mx2: { addresses: [127.0.0.22] }',
  pool: 'mx1, mx2',
}
