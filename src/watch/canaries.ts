// Canaries: addresses that tell whether this host still reaches the world (health/isolation.ts). Each is connected to,
// and let go, every five seconds; every second while it fails. Refused or reset is reached: something answered.

import type { Clock, Random } from '../lib/clock.ts'
import type { Alarm } from '../lib/alarm.ts'
import type { Outcome } from '../health/outcome.ts'
import { type ProbeProfile, profileDefaults } from '../probe/smtp/profile.ts'
import type { ProbeRequest } from '../probe/smtp/smtp-probe.ts'

export interface Canary {
  readonly address: string
  readonly port: number
}

interface CanaryOptions {
  readonly canaries: readonly Canary[]
  readonly clock: Clock
  readonly random: Random
  readonly alarm: Alarm
  readonly probe: (request: ProbeRequest, clock: Clock) => Promise<Outcome>
  readonly onResult: (index: number, isReached: boolean) => void
}

const everyMs = 5000
const failingEveryMs = 1000
const timeoutMs = 3000

export class Canaries {
  readonly #options: CanaryOptions
  readonly #controller = new AbortController()
  readonly #calloffs: (() => void)[]
  readonly #inFlight = new Set<Promise<void>>()

  constructor(options: CanaryOptions) {
    this.#options = options
    this.#calloffs = options.canaries.map(() => () => {})
    for (const index of options.canaries.keys()) this.#wait(index, 0)
  }

  async stop(): Promise<void> {
    this.#controller.abort()
    for (const calloff of this.#calloffs) calloff()
    await Promise.all(this.#inFlight)
  }

  #wait(index: number, delayMs: number): void {
    const { alarm, random } = this.#options
    this.#calloffs[index] = alarm(delayMs * (0.9 + random() * 0.2), () => {
      const ended = this.#look(index).finally(() => this.#inFlight.delete(ended))
      this.#inFlight.add(ended)
    })
  }

  async #look(index: number): Promise<void> {
    const { canaries, clock, probe, onResult } = this.#options
    const { address, port } = canaries[index] as Canary
    const { signal } = this.#controller
    const outcome = await probe({ address, profile: canaryProfile(port), signal }, clock)
    if (signal.aborted) return
    const isReached = reached(outcome)
    if (isReached !== null) onResult(index, isReached)
    this.#wait(index, isReached === false ? failingEveryMs : everyMs)
  }
}

const canaryProfile = (port: number): ProbeProfile => ({
  ...profileDefaults,
  name: 'canary',
  port,
  ehlo: '',
  level: 'connect',
  connectTimeoutMs: timeoutMs,
})

/** null: it says nothing. */
function reached({ kind, reason }: Outcome): boolean | null {
  if (kind === 'dead') return reason === 'connect-refused' || reason === 'connection-reset'
  if (kind !== 'self') return true
  return reason === 'local-no-route' ? false : null
}
