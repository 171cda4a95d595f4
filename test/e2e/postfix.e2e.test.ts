// Three real MTAs, stopped and started under a running server, while a sender asks without a break.

import { afterAll, describe, expect, it } from 'vitest'

import { watchAnswers } from '../support/answer-watch.ts'
import { dig, rdataOf } from '../support/dig.ts'
import { addressesOf, ladderOf } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { exchangeOf, mailDomain, mailZone, quickProbe } from '../support/mail-zone.ts'
import { type Postfix, createPostfix } from '../support/postfix.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const targets = {
  mx1: { address: '127.0.0.11', weight: 2 },
  mx2: { address: '127.0.0.12', weight: 2 },
  mx3: { address: '127.0.0.13', weight: 1 },
}
const names = Object.keys(targets) as (keyof typeof targets)[]
const relay = exchangeOf('relay')

// Phase or interval with its jitter of a fifth at most, then the fast ones, each with the dialogue it may hang
// in, and what a busy machine adds. A refused connection takes no time, a dialogue with Postfix next to none.
const slackMs = 30_000
const intervalMs = 1000 * 1.2
const fastMs = 500 * 1.2
const fallWithinMs = intervalMs + (quickProbe.fall - 1) * fastMs + slackMs
// Who is the last of all to fail has to fail a second round (src/health/mass-failure-guard.ts).
const lastFallsWithinMs = fallWithinMs + quickProbe.fall * fastMs
const riseWithinMs = intervalMs + (quickProbe.rise - 1) * fastMs + slackMs

let mtas: Record<keyof typeof targets, Postfix>

const server = servedZone(async () => {
  const port = await freePort(Object.values(targets).map(({ address }) => address))
  const created = names.map(async (name) =>
    createPostfix({ name: exchangeOf(name), address: targets[name].address, port }),
  )
  const [mx1, mx2, mx3] = (await Promise.all(created)) as [Postfix, Postfix, Postfix]
  mtas = { mx1, mx2, mx3 }
  await Promise.all(Object.values(mtas).map(async (mta) => mta.start()))
  return { zones: { 'mail.yaml': mailZone({ targets, port }) } }
})
const client = clientOf(server)

afterAll(async () => {
  await Promise.all(Object.values(mtas ?? {}).map(async (mta) => mta.stop()))
})

/** Targets on the ladder now. */
const exchangesNow = async (): Promise<string[]> =>
  ladderOf(await client.ask(mailDomain, 'MX'))
    .map((rung) => rung.exchange.split('.')[0] as string)
    .sort()

/** Addresses that a number of A answers hand out between them. */
async function addressesNow(): Promise<string[]> {
  const replies = await client.askMany(relay, 'A', 60)
  return [...new Set(replies.flatMap(addressesOf))].sort()
}

/** Waits until the ladder is exactly `expected`; how long it took since `sinceMs`. */
async function ladderBecomes(
  expected: readonly string[],
  withinMs: number,
  sinceMs: number,
): Promise<number> {
  await until(async () => (await exchangesNow()).join() === expected.join(), {
    what: `a ladder of ${expected.join(' ')}`,
    withinMs: withinMs - (performance.now() - sinceMs),
  })
  return Math.round(performance.now() - sinceMs)
}

const addressOf = (...wanted: (keyof typeof targets)[]): string[] =>
  wanted.map((name) => targets[name].address).sort()

describe('three Postfix instances', () => {
  it('are all answered while all are well', async () => {
    for (const name of names) await server.waitForState(name, 'up', 10_000)
    expect(await exchangesNow()).toEqual(names)
    expect(await addressesNow()).toEqual(addressOf(...names))
    const mx = await dig(server.port, mailDomain, 'MX')
    expect([mx.status, mx.flags.has('aa')]).toEqual(['NOERROR', true])
    const preferences = mx.answer.map((one) => Number.parseInt(one.rdata, 10))
    expect(preferences.sort((a, b) => a - b)).toEqual([10, 20, 30])
    expect(rdataOf(mx.additional, 'A')).toEqual(addressOf(...names))
    const relayed = await dig(server.port, relay, 'A')
    expect(relayed.answer).toHaveLength(2)
  })

  it('leave and come back as they stop and start, and no answer ever loses mail', async () => {
    const watch = watchAnswers(server.port, {
      domain: mailDomain,
      relay,
      exchanges: names.map(exchangeOf),
    })

    let sinceMs = performance.now()
    await mtas.mx1.stop()
    let tookMs = await ladderBecomes(['mx2', 'mx3'], fallWithinMs, sinceMs)
    console.info(`mx1 stopped: out of the ladder after ${tookMs} ms (bound ${fallWithinMs} ms)`)
    expect(await addressesNow()).toEqual(addressOf('mx2', 'mx3'))
    // An exchange keeps its address even when it is down: a resolver may hold the MX answer of a minute ago.
    const own = await dig(server.port, exchangeOf('mx1'), 'A')
    expect(rdataOf(own.answer)).toEqual(addressOf('mx1'))
    const down = await server.waitForState('mx1', 'down', 30_000)
    expect(down.last).toMatchObject({ kind: 'dead', reason: 'connect-refused' })

    sinceMs = performance.now()
    await mtas.mx1.start()
    tookMs = await ladderBecomes(names, riseWithinMs, sinceMs)
    console.info(`mx1 started: back after ${tookMs} ms (bound ${riseWithinMs} ms)`)
    expect(await addressesNow()).toEqual(addressOf(...names))

    await mtas.mx1.stop()
    await mtas.mx2.stop()
    sinceMs = performance.now()
    await ladderBecomes(['mx3'], fallWithinMs, sinceMs)
    expect(await addressesNow()).toEqual(addressOf('mx3'))
    const before = await server.metric('mxsteer_failed_open_total')
    sinceMs = performance.now()
    await mtas.mx3.stop()
    tookMs = await ladderBecomes(names, lastFallsWithinMs, sinceMs)
    console.info(`all stopped: all answered after ${tookMs} ms (bound ${lastFallsWithinMs} ms)`)
    expect(await addressesNow()).toEqual(addressOf(...names))
    expect(await server.metric('mxsteer_failed_open_total')).toBeGreaterThan(before ?? 0)

    await Promise.all(names.map(async (name) => mtas[name].start()))
    for (const name of names) await server.waitForState(name, 'up', 20_000)
    expect(await exchangesNow()).toEqual(names)

    const rounds = watch.rounds()
    expect(await watch.stop()).toEqual([])
    expect(rounds).toBeGreaterThan(100)
  }, 600_000)

  it('leaves one log line a transition, and nothing for a query', () => {
    const lines = server.logs()
    const transitions = lines.filter((line) => line.event === 'target.down')
    const fallen = transitions.map((line) => String(line['target'])).sort()
    // Twice at least: while it is held for flapping it may come back as a suspect, and leave again.
    expect(fallen.filter((name) => name === 'mx1').length).toBeGreaterThanOrEqual(2)
    expect(fallen.filter((name) => name !== 'mx1')).toEqual(['mx2', 'mx3'])
    for (const name of ['mx1', 'mx2', 'mx3']) {
      const its = lines
        .filter((line) => line['target'] === name && typeof line['to'] === 'string')
        .map((line) => line['to'])
      expect(its.filter((to, i) => i > 0 && to === its[i - 1])).toEqual([])
    }
    for (const line of transitions) {
      expect(line).toMatchObject({
        zone: expect.stringContaining('smtp.example.test') as string,
        address: expect.stringMatching(/^127\.0\.0\.1[123]$/) as string,
        to: 'down',
        reason: expect.stringMatching(/^(connect-refused|held-for-flapping)$/) as string,
      })
    }
    expect(lines.length).toBeLessThan(60)
  })

  it('shows in metrics which target is up and what was probed', async () => {
    const up = names.map(async (name) => {
      const labels = `zone="${mailDomain}",target="${name}",address="${targets[name].address}"`
      const text = (await server.http('/metrics')).body
      return text.split('\n').find((line) => line.startsWith(`mxsteer_target_up{${labels}`))
    })
    for (const line of await Promise.all(up)) expect(line).toMatch(/ 1$/)
    expect(await server.metric('mxsteer_probe_outcomes_total{kind="ok"}')).toBeGreaterThan(10)
    expect(await server.metric('mxsteer_probe_outcomes_total{kind="dead"}')).toBeGreaterThan(10)
  })

  it('finds nothing to complain of in how the probes speak', () => {
    for (const name of names) {
      const log = mtas[name].log()
      expect(log).toMatch(/disconnect from unknown\[127\.0\.0\.1\] ehlo=1 quit=1 commands=2/)
      expect(log).not.toMatch(/lost connection|improper command pipelining|timeout after|warning:/)
    }
  })
})
