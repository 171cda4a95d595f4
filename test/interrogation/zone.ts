// The zone that is asked about: small, and nothing in it depends on chance.

const bigText = Array.from(
  { length: 12 },
  (_, i) => `"${String(i).padStart(3, '0')}${'x'.repeat(97)}"`,
)

export const interrogatedZone: string = `
zone: mail.example
ttl: 300
soa: { mname: ns1, rname: hostmaster.mail.example., serial: 2026, minimum: 60 }
targets:
  mx1: { addresses: [192.0.2.25, "2001:db8::25"] }
pools:
  main: { targets: { mx1: 1 } }
steering:
  inbound: [{ pools: [main] }]
records:
  "@": { NS: [ns1, ns2], MX: { steer: inbound } }
  ns1: { A: 192.0.2.53 }
  ns2: { A: 198.51.100.53 }
  relay: { address: { steer: inbound } }
  smtp: { CNAME: relay }
  away: { CNAME: www.other.example. }
  big: { TXT: [${bigText.map((text) => `'${text}'`).join(', ')}] }
  "*.wild": { MX: 10 mx1 }
  real.wild: { TXT: '"no wildcard here"' }
  child: { NS: ns.child, DS: 1 8 2 ${'01'.repeat(32)} }
  ns.child: { A: 192.0.2.54 }
  old: { DNAME: new }
  host.new: { A: 192.0.2.80 }
  loop: { CNAME: pool }
  pool: { CNAME: loop }
  odd: { TYPE65400: '\\# 2 0a00' }
`
