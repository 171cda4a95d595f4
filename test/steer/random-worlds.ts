// Small worlds with everything that steering can meet, for comparing it with the reference.

import * as fc from 'fast-check'
import type { ModelMember, ModelPool, ModelWorld } from './model-world.ts'

const address = fc.record({
  family: fc.constant(4 as const),
  state: fc.constantFrom('up', 'up', 'unknown', 'suspect', 'down', 'down'),
  factor: fc.constantFrom(1, 1, 1, 0.5, 0),
  fell: fc.constantFrom(0, 100, 150, 400),
})
const member = fc.record({
  target: fc.constant(''),
  weight: fc.constantFrom(1, 2, 5, 0),
  standing: fc.constantFrom(
    'normal',
    'normal',
    'normal',
    'normal',
    'drained',
    'disabled',
    'forced',
  ),
  share: fc.constantFrom(1, 1, 1, 0.5, 3, 0),
  region: fc.constantFrom(null, 'eu', 'us'),
  rack: fc.constantFrom(null, 'r1', 'r2'),
  addresses: fc.array(address, { minLength: 1, maxLength: 2 }),
}) satisfies fc.Arbitrary<ModelMember>
const pool = (name: string, most: number) =>
  fc
    .record({
      name: fc.constant(name),
      panic: fc.constantFrom(0, 0, 0.5),
      minHealthy: fc.constantFrom(0, 0, 0.5, 1),
      spill: fc.constantFrom('all', 'proportional'),
      spread: fc.boolean(),
      members: fc.array(member, { minLength: 1, maxLength: most }),
    })
    .map(({ members, ...rest }): ModelPool => ({
      ...rest,
      members: members.map((one, i) => ({ ...one, target: `${name}${i}` })),
    }))
export const worlds: fc.Arbitrary<ModelWorld> = fc.record({
  pools: fc.oneof(
    fc.tuple(pool('a', 4)),
    fc.tuple(pool('a', 3), pool('b', 2)),
    fc.tuple(pool('a', 2), pool('b', 2), pool('c', 1)),
  ),
  onAllDown: fc.constantFrom('all', 'last_good', 'servfail', 'backup'),
  backup: pool('z', 2),
})
