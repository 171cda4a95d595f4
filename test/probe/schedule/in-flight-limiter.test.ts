// Caps of probes in flight, under any order of coming and going.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InFlightLimiter, networkOf } from '../../../src/probe/schedule/in-flight-limiter.ts'
import { runs } from '../../support/runs.ts'

describe('networks', () => {
  test.each([
    ['192.0.2.1', '192.0.2.255', true],
    ['192.0.2.1', '192.0.3.1', false],
    ['2001:db8:1:100::1', '2001:db8:1:1ff:ffff::', true],
    ['2001:db8:1:100::1', '2001:db8:1:200::1', false],
  ])('%s and %s', (a, b, isSame) => {
    expect(networkOf(a) === networkOf(b)).toBe(isSame)
  })

  test('is never an address', () => {
    expect(networkOf('192.0.2.1')).not.toBe('192.0.2')
    expect(networkOf('no address')).not.toBe('no address')
  })
})

interface Probe {
  readonly id: number
  readonly destination: string
  readonly network: string
}

const limits = { total: 12, perHost: 2, perNetwork: 5 }

/** Items that may try again do so, until none is returned any more; as the scheduler does with its heap. */
class Airfield {
  readonly caps = new InFlightLimiter<Probe>(limits)
  readonly flying = new Set<Probe>()
  readonly waiting = new Set<Probe>()
  readonly #ready: Probe[] = []

  come(probe: Probe): void {
    this.#ready.push(probe)
    this.#run()
  }

  leave(probe: Probe): void {
    this.flying.delete(probe)
    this.#ready.push(...this.caps.release(probe))
    this.#run()
  }

  forget(probe: Probe): void {
    this.waiting.delete(probe)
    this.#ready.push(...this.caps.remove(probe))
    this.#run()
  }

  #run(): void {
    while (!this.caps.isFull()) {
      const probe = this.#ready.shift()
      if (!probe) return
      this.waiting.delete(probe)
      if (this.caps.tryAcquire(probe)) this.flying.add(probe)
      else {
        this.waiting.add(probe)
        this.#ready.push(...this.caps.admit(probe))
      }
    }
  }

  /** Held back by the total alone. */
  queued(): number {
    return this.#ready.length
  }
}

const count = (probes: Iterable<Probe>, key: (probe: Probe) => string, wanted: string): number =>
  [...probes].filter((probe) => key(probe) === wanted).length

test('no limit is ever exceeded, and no item waits that could start', () => {
  const step = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constant('come' as const), host: fc.nat({ max: 11 }) }),
    },
    fc.record({ do: fc.constantFrom('leave' as const, 'forget' as const), host: fc.nat(60) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const field = new Airfield()
      for (const [id, { do: what, host }] of steps.entries()) {
        const destination = `10.0.${host % 3}.${host}`
        const among = what === 'leave' ? [...field.flying] : [...field.waiting]
        const one = among[host % Math.max(1, among.length)]
        if (what === 'come') field.come({ id, destination, network: networkOf(destination) })
        else if (one && what === 'leave') field.leave(one)
        else if (one) field.forget(one)
        expect(field.caps.inFlight).toBe(field.flying.size)
        expect(field.flying.size).toBeLessThanOrEqual(limits.total)
        for (const probe of [...field.flying, ...field.waiting]) {
          const here = count(field.flying, (each) => each.destination, probe.destination)
          const near = count(field.flying, (each) => each.network, probe.network)
          expect(here).toBeLessThanOrEqual(limits.perHost)
          expect(near).toBeLessThanOrEqual(limits.perNetwork)
          const couldFly = here < limits.perHost && near < limits.perNetwork
          if (field.waiting.has(probe) && field.queued() === 0) expect(couldFly).toBe(false)
        }
      }
      for (const probe of field.flying) field.leave(probe)
      expect([field.flying.size, field.waiting.size, field.caps.inFlight]).toEqual([0, 0, 0])
    }),
    { numRuns: runs(400) },
  )
})
