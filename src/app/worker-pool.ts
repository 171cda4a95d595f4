// Starts the threads that answer queries, from the settings, the zones and certificate in force,
// and fresh secrets.

import { randomBytes } from 'node:crypto'

import { rateLimitDefaults } from '../admission/rate-limit.ts'
import type { Settings } from '../settings/settings.ts'
import type { HandedSockets } from '../transport/handed-socket.ts'
import type { UdpTransport } from '../transport/udp/udp-transport.ts'
import type { AnswerOptions } from '../transport/worker/messages.ts'
import { type Workers, startWorkers } from '../transport/worker/workers.ts'
import { logWorkerEvent } from './event-sources.ts'
import { type ReloadableFiles, streamSettings } from './reloadable-files.ts'
import type { Runtime } from './runtime.ts'

interface WorkerPoolOptions
  extends ReloadableFiles, Pick<Runtime, 'log' | 'clock' | 'signingTime'> {
  readonly settings: Settings
  readonly handed: HandedSockets
}

export const startWorkerPool = (
  {
    settings,
    zones,
    keys,
    places,
    certificate,
    log,
    clock,
    signingTime,
    handed,
  }: WorkerPoolOptions,
  udp: UdpTransport,
  healthBuffer: SharedArrayBuffer,
): Workers =>
  startWorkers({
    count: settings.workers,
    udp,
    init: {
      endpoints: settings.listen,
      catalog: zones.current().packed,
      keys: keys.current(),
      healthBuffer,
      maxUdpOctets: settings.maxUdpOctets,
      answering: answeringSettings(settings),
      places: places.current(),
      streams: streamSettings(settings, certificate),
    },
    clock,
    handed,
    signingClock: () => signingTime.handover(),
    onEvent: (event) => logWorkerEvent(log, event),
  })

/**
 * Without a configured cookie secret, a random one; the seed of the rate limit's hashes is always
 * random.
 */
function answeringSettings({ answers, workers }: Settings): AnswerOptions {
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
      capacity: rateLimitDefaults.capacity,
      workers,
      seed: [seed.readInt32LE(0), seed.readInt32LE(4)],
    },
  }
}
