// The answering workers, out of what the operator chose, the files in force, and what only chance can give.

import { randomBytes } from 'node:crypto'

import type { Settings } from '../settings/settings.ts'
import { rateLimitDefaults } from '../admission/rate-limit.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from './log.ts'
import { logWorker } from './component-events.ts'
import { type ServedFiles, streamsOf } from './reloadable-files.ts'
import type { AnswerOptions } from '../transport/worker/messages.ts'
import type { UdpTransport } from '../transport/udp/udp-transport.ts'
import { type Workers, startWorkers } from '../transport/worker/workers.ts'

export interface AnsweringNeeds extends ServedFiles {
  readonly settings: Settings
  readonly log: Log
}

export const startAnswering = (
  given: AnsweringNeeds,
  udp: UdpTransport,
  healthBuffer: SharedArrayBuffer,
): Workers =>
  startWorkers({
    count: given.settings.workers,
    udp,
    init: {
      endpoints: given.settings.listen,
      catalog: given.keeper.current().catalog,
      healthBuffer,
      maxUdpOctets: given.settings.maxUdpOctets,
      answering: answeringOf(given.settings),
      places: given.places.current(),
      streams: streamsOf(given.settings, given.certificate),
    },
    clock: systemClock,
    onEvent: (event) => logWorker(given.log, event),
  })

/** What an operator chose, with what only chance can give. */
function answeringOf({ answers, workers }: Settings): AnswerOptions {
  const { nsid, chaosIdentity, chaosVersion, cookieSecrets, rateLimit } = answers
  const seed = randomBytes(8)
  return {
    identity: {
      nsid: nsid === null ? null : new TextEncoder().encode(nsid),
      chaosIdentity,
      chaosVersion,
    },
    cookieSecrets: cookieSecrets.length > 0 ? cookieSecrets : [new Uint8Array(randomBytes(16))],
    rateLimit: rateLimit && {
      ...rateLimit,
      floodSlip: rateLimitDefaults.floodSlip,
      places: rateLimitDefaults.places,
      workers,
      seed: [seed.readInt32LE(0), seed.readInt32LE(4)],
    },
  }
}
