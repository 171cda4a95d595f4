// A signed zone with TLSA, and the certificates of its targets.
//
//   mx1   3 1 1 of its key, certificate of its own
//   mx2   2 1 1 of the authority that has signed its certificate
//   mx3   3 1 1 of another key
//   mx4   no TLSA

import { X509Certificate, createHash } from 'node:crypto'

import { type MadeCertificate, createAuthority } from './certificates.ts'

export const daneApex = 'smtp.example.test'

const addresses = ['127.0.0.11', '127.0.0.12', '127.0.0.13', '127.0.0.14'] as const

export interface DaneWorld {
  readonly zone: string
  /** By address: what the MTA there presents. */
  readonly receivers: Readonly<Record<string, MadeCertificate>>
}

/** The MX of the apex names mx1 and mx2; behind `first`, `second` and `cold` one of these leads; `half` leads to mx4, before mx1. */
export function createDaneWorld(): DaneWorld {
  const authority = createAuthority()
  const relays = ['second', 'cold'].map((name) => `${name}.${daneApex}`)
  const [mx1, mx2, mx3, mx4] = [1, 2, 3, 4].map((n) =>
    (n === 2 ? authority : createAuthority()).sign([`mx${n}.${daneApex}`, ...relays]),
  ) as [MadeCertificate, MadeCertificate, MadeCertificate, MadeCertificate]
  const zone = `
zone: ${daneApex}
ttl: 60
dnssec: {}
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
  mx1: { addresses: [${addresses[0]}], tlsa: 3 1 1 ${keyDigest(mx1)} }
  mx2: { addresses: [${addresses[1]}], tlsa: 2 1 1 ${keyDigest(authority)} }
  mx3: { addresses: [${addresses[2]}], tlsa: 3 1 1 ${keyDigest(authority)} }
  mx4: { addresses: [${addresses[3]}] }
pools:
  main: { targets: [mx1, mx2] }
  mx1: { targets: [mx1] }
  mx2: { targets: [mx2] }
  wrong: { targets: [mx3] }
  bare: { targets: [mx4] }
steering:
  main: [{ pools: [main] }]
  wrong: [{ pools: [wrong] }]
  bare: [{ pools: [bare] }]
  first: [{ pools: [mx1, mx2] }]
  second: [{ pools: [mx2, mx1] }]
  half: [{ pools: [bare, mx1] }]
records:
  '@': { NS: ns1, MX: { steer: main } }
  ns1: { A: 127.0.0.1 }
  wrong: { MX: { steer: wrong } }
  bare: { MX: { steer: bare } }
  mixed: { MX: [10 mx3, 20 mx1] }
  by-key: { MX: 10 mx1 }
  by-authority: { MX: 10 mx2 }
  first: { address: { steer: first } }
  second: { address: { steer: second } }
  cold: { address: { steer: first } }
  half: { address: { steer: half } }
`
  return {
    zone,
    receivers: {
      [addresses[0]]: mx1,
      [addresses[1]]: mx2,
      [addresses[2]]: mx3,
      [addresses[3]]: mx4,
    },
  }
}

/** SHA-256 of the SubjectPublicKeyInfo, in hex: selector 1, matching type 1. */
const keyDigest = ({ cert }: MadeCertificate): string =>
  createHash('sha256')
    .update(new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
