// What targets look like from outside, put together: the resolver that the operator names, and what the log is told.

import type { Settings } from '../settings/settings.ts'
import { type IdentityWatch, createIdentityWatch } from '../reputation/watch.ts'
import { type Random, systemClock } from '../lib/clock.ts'
import { identityEvents } from './log-identity.ts'
import type { Log } from './log.ts'
import { createStubResolver } from '../resolver/stub-resolver.ts'

export const createOutsideView = (
  { resolver, instance }: Pick<Settings, 'resolver' | 'instance'>,
  log: Log,
  random: Random,
): IdentityWatch =>
  createIdentityWatch({
    resolver: resolver && createStubResolver({ server: resolver, clock: systemClock }),
    clock: systemClock,
    random,
    instance,
    ...identityEvents(log),
  })
