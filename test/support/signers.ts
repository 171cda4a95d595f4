// Signers of zones with a key that is always the same. Ed25519 has one signature for each content (RFC 8032 §5.1.6), so
// that two responders sign alike.

import type { Signers } from '../../src/answer/context.ts'
import { privateKeyFrom } from '../../src/dnssec/algorithms.ts'
import { createSigningKey, type SigningKey } from '../../src/dnssec/signing-key.ts'
import { CatalogSigners, type KeysInForce } from '../../src/dnssec/zone-signer.ts'
import type { Clock } from '../../src/lib/clock.ts'
import type { Zone } from '../../src/zone/zone.ts'

const secret = new Uint8Array(32).fill(3)

/** A key that signs everything. */
export function fixedKey(algorithm: 13 | 15 = 15): SigningKey {
  const key = privateKeyFrom(algorithm, secret)
  if (key === null) throw new Error('the secret is none of a key')
  return createSigningKey(algorithm, 257, key)
}

/** Signs every zone that is to be signed with `key`. */
export function signersOf(
  zones: Iterable<Zone>,
  clock: Clock,
  key: SigningKey = fixedKey(),
): Signers {
  const signers = new CatalogSigners(clock)
  signers.use(zones, () => alone(key))
  return signers
}

/** A zone's only key, for ever. */
export const alone = (key: SigningKey): KeysInForce => ({
  apex: { kind: 'here', published: [key.dnskey], synced: [], keySigners: [key] },
  dataSigners: [key],
  untilMs: Infinity,
})

/** A signed zone of which the MX is a ladder of four targets with two addresses each: nine sets to sign for one answer. */
export const signedLadderText = (apex: string): string => `
zone: ${apex}
ttl: 60
dnssec: {}
soa: { mname: ns1, rname: hostmaster.example.test. }
targets:
${[1, 2, 3, 4].map((i) => `  mx${i}: { addresses: [203.0.113.${i}, "2001:db8::${i}"] }\n`).join('')}
pools: { all: { targets: [mx1, mx2, mx3, mx4] } }
steering: { in: [{ pools: [all] }] }
records:
  "@": { NS: ns1, MX: { steer: in } }
  ns1: { A: 192.0.2.53 }
`
