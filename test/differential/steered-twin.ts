// A zone twice: steered, as we are given it, and plain, as NSD and BIND are. Every steered set has but one outcome (one
// target, or all of them), so the answers must be the same: at owners, out of wildcards, at the end of aliases, and
// beside them in the additional section.

import { parseZone } from './zone-text.ts'
import type { ZoneText } from './zone-text.ts'

export const steeredTwin: ZoneText = parseZone(
  'steered.test.',
  `@ NS ns
@ MX 10 mx1
@ TXT "beside a steered set"
ns A 192.0.2.53
mx1 A 192.0.2.1
mx1 AAAA 2001:db8::1
mx1 TXT "beside the addresses of a target"
_25._tcp.mx1 TLSA 3 1 1 0101010101010101010101010101010101010101010101010101010101010101
mx2 A 192.0.2.2
six AAAA 2001:db8::6
relay A 192.0.2.1
relay AAAA 2001:db8::1
four A 192.0.2.2
sixes AAAA 2001:db8::6
all A 192.0.2.1
all A 192.0.2.2
all AAAA 2001:db8::1
all AAAA 2001:db8::6
equal MX 10 mx1
equal MX 10 mx2
equal MX 10 six
*.wild MX 10 mx1
*.wild A 192.0.2.1
*.wild AAAA 2001:db8::1
*.wild TXT "beside"
real.wild MX 10 mx2
below.ent.wild A 192.0.2.2
*.all A 192.0.2.1
*.all A 192.0.2.2
*.all AAAA 2001:db8::1
*.all AAAA 2001:db8::6
*.equal MX 10 mx1
*.equal MX 10 mx2
*.equal MX 10 six
x.*.middle MX 10 six
a.b.c.deep A 192.0.2.2
low 45 MX 10 mx2
alias CNAME relay
chain CNAME alias
aliasmx CNAME equal
aliaswild CNAME q.wild
aliastarget CNAME mx1
*.aliased CNAME relay
dn DNAME wild
mxrelay MX 10 relay
mxrelay MX 20 q.wild
mxrelay MX 30 alias
srv SRV 0 0 25 relay
srv SRV 0 0 26 all
nsrelay NS relay
cut NS ns.cut
ns.cut A 192.0.2.9
below.cut MX 10 mx1`,
)

const steered = {
  '@': { NS: 'ns', MX: { steer: 'one' }, TXT: '"beside a steered set"' },
  relay: { address: { steer: 'one' } },
  four: { address: { steer: 'four' } },
  sixes: { address: { steer: 'six' } },
  all: { address: { steer: 'all', answers: 'all' } },
  equal: { MX: { steer: 'all', mode: 'equal' } },
  '*.wild': { MX: { steer: 'one' }, address: { steer: 'one' }, TXT: '"beside"' },
  'real.wild': { MX: { steer: 'four' } },
  'below.ent.wild': { address: { steer: 'four' } },
  '*.all': { address: { steer: 'all', answers: 'all' } },
  '*.equal': { MX: { steer: 'all', mode: 'equal' } },
  'x.*.middle': { MX: { steer: 'six' } },
  'a.b.c.deep': { address: { steer: 'four' } },
  low: { MX: { steer: 'four', ttl: 45 } },
}

const plainOwners =
  'ns mx1 _25._tcp.mx1 alias chain aliasmx aliaswild aliastarget *.aliased dn mxrelay srv nsrelay cut ns.cut below.cut'

/** JSON is YAML. What the steered sets do not give is taken from the plain twin. */
export function steeredYaml(): string {
  const plain: Record<string, Record<string, string[]>> = {}
  for (const { owner, type, rdata } of steeredTwin.records) {
    const isTargets = owner === 'mx1' && type !== 'TXT'
    if (!plainOwners.split(' ').includes(owner) || isTargets) continue
    const types = (plain[owner] ??= {})
    const texts = (types[type] ??= [])
    texts.push(rdata)
  }
  return JSON.stringify({
    zone: steeredTwin.apex,
    ttl: steeredTwin.ttl,
    soa: {
      mname: 'ns.primary',
      rname: 'hostmaster',
      serial: 7,
      refresh: 3600,
      retry: 600,
      expire: 604_800,
      minimum: steeredTwin.minimum,
    },
    targets: {
      mx1: { addresses: ['192.0.2.1', '2001:db8::1'] },
      mx2: { addresses: ['192.0.2.2'] },
      six: { addresses: ['2001:db8::6'] },
    },
    pools: {
      one: { targets: { mx1: 1 } },
      four: { targets: { mx2: 7 } },
      six: { targets: { six: 3 } },
      all: { targets: { mx1: 5, mx2: 1, six: 2 } },
    },
    steering: {
      one: [{ pools: ['one'] }],
      four: [{ pools: ['four'] }],
      six: [{ pools: ['six'] }],
      all: [{ pools: ['all'] }],
    },
    records: { ...plain, ...steered },
  })
}
