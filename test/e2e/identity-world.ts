// Three targets on loopback, and what DNS says of them: one well, one listed whose PTR lies, one without a PTR.

import type { Socket } from 'node:net'

import type { ForeignZone } from '../support/foreign-server.ts'
import { quickProbe } from '../support/mail-zone.ts'

const head = (apex: string): string => `$ORIGIN ${apex}
@ 5 IN SOA ns.${apex} root.${apex} 1 3600 600 86400 1
@ 5 IN NS ns.${apex}
ns.${apex} 5 IN A 127.0.0.1
`

export const loopbackZones = (): readonly ForeignZone[] => [
  {
    apex: '127.in-addr.arpa.',
    text: `${head('127.in-addr.arpa.')}
81.0.0 5 IN PTR mx1.smtp.example.test.
82.0.0 5 IN PTR liar.smtp.example.test.
`,
  },
  {
    apex: 'smtp.example.test.',
    text: `${head('smtp.example.test.')}
mx1 5 IN A 127.0.0.81
liar 5 IN A 127.0.0.99
`,
  },
  {
    apex: 'bl.test.',
    text: `${head('bl.test.')}
2.0.0.127 5 IN A 127.0.0.2
82.0.0.127 5 IN A 127.0.0.3
`,
  },
  { apex: 'dead.test.', text: `${head('dead.test.')}\n* 5 IN A 127.0.0.2\n` },
]

export const identityZone = (port: number): string => `zone: smtp.example.test
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
  mx1: { addresses: [127.0.0.81] }
  mx2: { addresses: [127.0.0.82] }
  mx3: { addresses: [127.0.0.83] }
probes:
  inbound: { port: ${port}, ehlo: probe.example.test, interval: 1s, connect_timeout: ${quickProbe.connect_timeout} }
pools:
  relays:
    probe: inbound
    targets: { mx1: 2, mx2: 2, mx3: 2 }
    identity:
      interval: 1m
      dnsbl: { lists: [bl.test, dead.test.], hold: 0s, listed_weight: 0.25 }
steering:
  inbound: [{ pools: [relays] }]
records:
  "@": { NS: [ns1], MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
`

/** Greets and answers EHLO under a name. */
export const politeMta =
  (name: string) =>
  (socket: Socket): void => {
    socket.write(`220 ${name} ESMTP\r\n`)
    socket.on('data', (line) => {
      const isQuit = line.toString('latin1').startsWith('QUIT')
      if (isQuit) socket.end('221 bye\r\n')
      else socket.write(`250 ${name}\r\n`)
    })
  }
