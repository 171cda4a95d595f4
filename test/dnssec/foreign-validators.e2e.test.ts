// The validators of others that judge what is signed here, and how their verdicts are read: one zone of NSD's as it was
// signed, and the same with an address that was changed since.

import { afterAll, beforeAll, expect, it } from 'vitest'

import { startValidatingBind } from '../support/bind-resolver.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import {
  type Anchor,
  type ForeignVerdict,
  delv,
  drill,
  isDrillFault,
  resolverVerdicts,
  verifyByBind,
  verifyByLdns,
} from '../support/foreign-validators.ts'
import { startNsd } from '../support/nsd.ts'
import { type SignedZone, generateKeys, signZone } from '../support/signed-zone.ts'
import { isUnboundFault, startValidatingUnbound } from '../support/unbound.ts'

const apex = 'judged.test.'
const zoneText = `
$ORIGIN ${apex}
$TTL 60
@ SOA ns1 hostmaster 1 3600 600 604800 60
@ NS ns1
ns1 A 192.0.2.53
right A 192.0.2.1
wrong A 192.0.2.2
open NS ns.open
tree DNAME grove
oak.grove A 192.0.2.4
ns.open A 192.0.2.3
before A 192.0.2.5
a.b.ent TXT text
`
const [a, ds, mx] = [1, 43, 15] as const
const right = { qname: `right.${apex}`, qtype: a }
const wrong = { qname: `wrong.${apex}`, qtype: a }
const denied = { qname: `right.${apex}`, qtype: mx }
const nowhere = { qname: `nowhere.${apex}`, qtype: a }
const unsigned = { qname: `open.${apex}`, qtype: ds }
const questions = [right, wrong, denied, nowhere, unsigned]
const kinds = ['secure', 'bogus', 'secure', 'secure', 'secure']

let nsd: ForeignServer
let anchor: Anchor
let signed: SignedZone
const changed = (): string => signed.text.replace('192.0.2.2\n', '192.0.2.99\n')

beforeAll(async () => {
  signed = signZone(apex, zoneText, generateKeys(apex, 'ECDSAP256SHA256', true))
  nsd = await startNsd([{ apex, text: changed() }])
  anchor = { apex, port: nsd.port, keys: signed.keys.text }
})
afterAll(() => nsd?.stop())

const kindsOf = (verdicts: readonly ForeignVerdict[]): string[] => verdicts.map(({ kind }) => kind)

it('tells by delv and drill what was changed', async () => {
  expect(kindsOf(await Promise.all(questions.map((one) => delv(anchor, one))))).toEqual(kinds)
  expect(kindsOf(await Promise.all(questions.map((one) => drill(anchor, one))))).toEqual(kinds)
})

it('tells by resolvers what was changed, and what no key is known for', async () => {
  const without = { ...anchor, keys: '' }
  const resolvers = await Promise.all([
    startValidatingUnbound([anchor]),
    startValidatingBind([anchor]),
    startValidatingUnbound([without]),
  ])
  try {
    const [unbound = [], bind = [], trusting = []] = await Promise.all(
      resolvers.map(({ port }) => resolverVerdicts(port, questions)),
    )
    expect(kindsOf(unbound)).toEqual(kinds)
    expect(kindsOf(bind)).toEqual(kinds)
    expect(kindsOf(trusting)).toEqual(questions.map(() => 'insecure'))
  } finally {
    await Promise.all(resolvers.map((resolver) => resolver.stop()))
  }
})

it('tells by the checkers of zones what was changed', async () => {
  const verdicts = await Promise.all([
    verifyByLdns(signed.text, anchor.keys),
    verifyByBind(apex, signed.text, true),
    verifyByLdns(changed(), anchor.keys),
    verifyByBind(apex, changed(), true),
  ])
  expect(kindsOf(verdicts)).toEqual(['secure', 'secure', 'bogus', 'bogus'])
})

it('finds some answers of NSD bogus by Unbound, and by no other', async () => {
  const below = [5, 39].map((qtype) => ({ qname: `oak.tree.${apex}`, qtype }))
  expect(below.filter(isUnboundFault)).toEqual(below)
  const [unbound, bind] = [
    await startValidatingUnbound([anchor]),
    await startValidatingBind([anchor]),
  ]
  try {
    expect(kindsOf(await resolverVerdicts(unbound.port, below))).toEqual(['bogus', 'bogus'])
    expect(kindsOf(await resolverVerdicts(bind.port, below))).toEqual(['secure', 'secure'])
  } finally {
    await Promise.all([unbound.stop(), bind.stop()])
  }
})

it('finds some answers of NSD bogus by drill, and by no other', async () => {
  const odd = [
    { qname: `oak.tree.${apex}`, qtype: a },
    { qname: `ent.${apex}`, qtype: mx },
  ]
  expect(odd.filter(isDrillFault)).toEqual(odd)
  const byDelv = await Promise.all(odd.map((one) => delv(anchor, one)))
  expect(kindsOf(byDelv)).toEqual(['secure', 'secure'])
  const byDrill = await Promise.all(odd.map((one) => drill(anchor, one)))
  expect(kindsOf(byDrill)).toEqual(['bogus', 'bogus'])
})
