// Zones of a name server that stands in for a resolver: DNS lists of every kind, and the reverse and forward names of a
// few addresses.

import type { ForeignZone } from '../support/foreign-server.ts'

const head = (apex: string): string => `$ORIGIN ${apex}
@ 1 IN SOA ns.${apex} root.${apex} 1 3600 600 86400 1
@ 1 IN NS ns.${apex}
ns.${apex} 1 IN A 127.0.0.1
`

/** The nibbles of an IPv6 address, last first. */
const nibbles = (hex: string): string => hex.split('').toReversed().join('.')
const mapped = (quad: string): string => nibbles(`00000000000000000000ffff${quad}`)

export const listZones = (more = ''): readonly ForeignZone[] => [
  {
    apex: 'list.test.',
    text: `${head('list.test.')}
2.0.0.127.good 1 IN A 127.0.0.2
${mapped('7f000002')}.good 1 IN A 127.0.0.2
25.2.0.192.good 1 IN A 127.0.0.4
25.2.0.192.good 1 IN A 127.0.0.3
${nibbles('20010db8000000000000000000000025')}.good 1 IN A 127.0.0.9
2.0.0.127.second 1 IN A 127.0.0.2
25.2.0.192.second 1 IN A 127.0.0.2
*.everything 1 IN A 127.0.0.2
nothing 1 IN TXT "was given up"
*.refusing 1 IN A 127.255.255.254
*.parked 1 IN A 192.0.2.80
2.0.0.127.odd 1 IN A 127.0.0.2
25.2.0.192.odd 1 IN A 198.51.100.1
26.2.0.192.odd 1 IN A 127.0.0.1
${more}
`,
  },
  {
    apex: '2.0.192.in-addr.arpa.',
    text: `${head('2.0.192.in-addr.arpa.')}
25 1 IN PTR other.host.test.
25 1 IN PTR mx1.host.test.
26 1 IN PTR liar.host.test.
27 1 IN PTR gone.elsewhere.test.
28 1 IN CNAME 28.sub
28.sub 1 IN PTR mx4.host.test.
`,
  },
  {
    apex: '8.b.d.0.1.0.0.2.ip6.arpa.',
    text: `${head('8.b.d.0.1.0.0.2.ip6.arpa.')}
${nibbles('000000000000000000000025')} 1 IN PTR mx1.host.test.
`,
  },
  {
    apex: 'host.test.',
    text: `${head('host.test.')}
mx1 1 IN A 192.0.2.25
mx1 1 IN AAAA 2001:db8::25
other 1 IN A 192.0.2.99
liar 1 IN A 192.0.2.99
mx4 1 IN A 192.0.2.28
`,
  },
]
