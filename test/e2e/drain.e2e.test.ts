// Overrides of a running server, by the commands that an operator types: what clients are answered from then on.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { addressesOf, ladderOf } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { exchangeOf, mailDomain, mailZone } from '../support/mail-zone.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { type CommandResult, runCommand } from '../support/server.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const targets = {
  mx1: { address: '127.0.0.61', weight: 2 },
  mx2: { address: '127.0.0.62', weight: 1 },
  mx3: { address: '127.0.0.63', weight: 1 },
  /** Nobody listens there. */
  dead: { address: '127.0.0.64', weight: 1 },
}

/** Not long, on a machine with other things to do. */
const soonMs = 30_000

let mtas: OddMta[] = []
let zoneText = ''

const server = servedZone(async () => {
  const addresses = Object.values(targets).map(({ address }) => address)
  const port = await freePort(addresses)
  const greeted = addresses.slice(0, 3)
  mtas = await startGreeters(greeted, port)
  zoneText = mailZone({ targets, port, probe: { level: 'banner' }, answers: 4 })
  return { zones: { 'drain.yaml': zoneText } }
})
const client = clientOf(server)
beforeAll(async () => {
  await server.waitForState('dead', 'down', 20_000)
})
afterAll(async () => {
  await Promise.all(mtas.map((mta) => mta.close()))
})

const mxsteer = (...args: readonly string[]): Promise<CommandResult> =>
  runCommand(...args, '--admin', `127.0.0.1:${server.adminPort}`)

const exchanges = async (): Promise<string[]> =>
  ladderOf(await client.ask(mailDomain, 'MX'))
    .map(({ exchange }) => exchange)
    .sort()
const relays = async (): Promise<string[]> =>
  addressesOf(await client.ask(`relay.${mailDomain}`, 'A'))
const named = (...names: string[]): string => names.map(exchangeOf).join()

/** Until MX is these and no other. */
const answersBecome = (withinMs: number, ...names: string[]): Promise<true> =>
  until(async () => (await exchanges()).join() === named(...names), {
    what: `MX of ${names.join(' ')}`,
    withinMs,
  })

describe('a drain', () => {
  it('takes the target out of MX and addresses, and the others stay', async () => {
    expect(await exchanges()).toEqual(['mx1', 'mx2', 'mx3'].map(exchangeOf))
    const { code, stdout, stderr } = await mxsteer('drain', 'mx3', '--for', '2h', '--why', 'disk')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^mx3\.smtp\.example\.test: drain until 20\d\d-/)
    // On a busy machine a TTL of some seconds is over before the command ends.
    expect(stdout).toMatch(/the last (cached )?answer .*that names it expire[sd] at 20\d\d-/)
    expect(stdout).toMatch(/a restart of the server forgets this/)
    await answersBecome(soonMs, 'mx1', 'mx2')
    expect(await relays()).toEqual(['127.0.0.61', '127.0.0.62'])
    // Who still has its MX record in a cache must find its address.
    const own = await client.ask(exchangeOf('mx3'), 'A')
    expect(addressesOf(own)).toEqual(['127.0.0.63'])
    const set = await server.waitForLog((line) => line.event === 'override.set')
    expect(set).toMatchObject({ target: 'mx3', kind: 'drain', why: 'disk', zone: mailDomain })
    expect(await server.metric('mxsteer_overrides{kind="drain"}')).toBe(1)
  })

  it('says until when the target may be cached: the TTL of the last answer that named it', async () => {
    const reply = await server.http('/targets')
    const { members } = JSON.parse(reply.body) as {
      members: { target: string; out: string | null; exposedUntil: string | null }[]
    }
    const drained = members.find((one) => one.target === 'mx3')
    expect(drained?.out).toBe('drained')
    expect(members.find((one) => one.target === 'dead')?.out).toBe('down')
    const left = Date.parse(drained?.exposedUntil ?? '') - Date.now()
    expect(left).toBeGreaterThan(-60_000)
    expect(left).toBeLessThanOrEqual(60_000)
    const before = drained?.exposedUntil
    await client.askMany(mailDomain, 'MX', 20)
    await client.ask(exchangeOf('mx3'), 'A')
    const again = JSON.parse((await server.http('/targets')).body) as { members: object[] }
    expect(again.members).toContainEqual(
      expect.objectContaining({ target: 'mx3', exposedUntil: before }),
    )
  })

  it('outlives a reload', async () => {
    const loaded = server.logs().filter((line) => line.event === 'config.loaded').length
    server.writeZone('drain.yaml', `${zoneText}\n# again\n`)
    await until(
      () => server.logs().filter((line) => line.event === 'config.loaded').length > loaded,
      { what: 'the reload', withinMs: 30_000 },
    )
    expect(await exchanges()).toEqual(['mx1', 'mx2'].map(exchangeOf))
  })

  it('tells before what it would come to, and is given another end', async () => {
    const dry = await mxsteer('drain', 'mx2', '--for', '1h', '--dry-run')
    expect([dry.code, dry.stderr]).toEqual([0, ''])
    expect(dry.stdout).toMatch(/^mx2\.\S+ would be: drain until .*nothing is set$/m)
    expect(dry.stdout).toMatch(/^mx2 +1 → 0 +\d+\.\d % → 0\.0 %$/m)
    await answersBecome(soonMs, 'mx1', 'mx2')
    const extended = await mxsteer('extend', 'mx3', '--for', '3h', '--why', 'longer')
    expect([extended.code, extended.stderr]).toEqual([0, ''])
    expect((await mxsteer('extend', 'mx2', '--for', '3h')).stderr).toMatch(/no-such-override/)
  })

  it('is refused for the last one, unless forced; then all who are left are answered', async () => {
    expect((await mxsteer('drain', 'mx2', '--for', '1h')).code).toBe(0)
    const refused = await mxsteer('drain', `mx1.${mailDomain}`, '--for', '1h')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/would-empty-pool/)
    expect(refused.stderr).toMatch(/mx2 is drained/)
    expect(refused.stderr).toMatch(/dead is down/)
    await answersBecome(soonMs, 'mx1')
    expect((await mxsteer('drain', 'mx1', '--for', '1h', '--force')).code).toBe(0)
    // The operator drained the others, and nothing was said of the dead one.
    await answersBecome(soonMs, 'dead')
    expect((await mxsteer('disable', 'dead', '--force')).code).toBe(0)
    await answersBecome(soonMs, 'mx1', 'mx2', 'mx3')
    expect((await mxsteer('undo', 'dead')).code).toBe(0)
    for (const name of ['mx1', 'mx2', 'mx3']) expect((await mxsteer('undrain', name)).code).toBe(0)
    await answersBecome(soonMs, 'mx1', 'mx2', 'mx3')
    const twice = await mxsteer('undrain', 'mx3')
    expect([twice.code, twice.stderr]).toEqual([1, expect.stringMatching(/no-such-override/)])
  }, 600_000)

  it('ends by itself at its end', async () => {
    expect((await mxsteer('drain', 'mx3', '--for', '5s')).code).toBe(0)
    expect(await exchanges()).toEqual(['mx1', 'mx2'].map(exchangeOf))
    await answersBecome(10_000, 'mx1', 'mx2', 'mx3')
    const ended = await server.waitForLog(
      (line) => line.event === 'override.ended' && line['end'] === 'time',
    )
    expect(ended).toMatchObject({ target: 'mx3', kind: 'drain' })
  })
})

describe('a target taken as up', () => {
  it('is answered although its probes fail, until that is undone', async () => {
    expect((await mxsteer('up', 'dead', '--for', '1h', '--why', 'probe is wrong')).code).toBe(0)
    await answersBecome(soonMs, 'dead', 'mx1', 'mx2', 'mx3')
    expect((await mxsteer('undo', 'dead')).stdout).toMatch(/^dead\.\S+: no longer up/)
    await answersBecome(soonMs, 'mx1', 'mx2', 'mx3')
  })
})

describe('a weight', () => {
  const count = 10_000

  /** Within 5 σ of a binomial share. */
  const expectShare = (seen: number, share: number): void =>
    expect(Math.abs(seen - count * share)).toBeLessThanOrEqual(
      5 * Math.sqrt(count * share * (1 - share)),
    )

  const firstPlaces = async (): Promise<ReadonlyMap<string, number>> => {
    const first = new Map<string, number>()
    for (const reply of await client.askMany(mailDomain, 'MX', count)) {
      const winner = ladderOf(reply)[0]?.exchange ?? ''
      first.set(winner, (first.get(winner) ?? 0) + 1)
    }
    return first
  }

  it.each([
    // mx1 is worth 2, mx2 and mx3 1 each.
    [['50%'], 1 / 3],
    [['6'], 6 / 8],
    // A fifth of the pool, which is 5 with the dead one: 0.75 of 3.75; and of 2.75 while that is down.
    [['--share', '20%'], 0.75 / 2.75],
    [['0%'], 0],
  ])(
    'of %j changes the shares',
    async (amount, share) => {
      const { code, stderr } = await mxsteer('weight', 'mx1', ...amount, '--for', '1d')
      expect([code, stderr]).toEqual([0, ''])
      const first = await firstPlaces()
      console.info(`${amount.join(' ')}: ${[...first].join(' ')}`)
      expectShare(first.get(exchangeOf('mx1')) ?? 0, share)
      expectShare(first.get(exchangeOf('mx2')) ?? 0, (1 - share) / 2)
      expect((await mxsteer('undo', 'mx1')).code).toBe(0)
    },
    600_000,
  )

  it('is what first rungs are measured against', async () => {
    const body = (await server.http('/metrics')).body
    const value = (name: string, target: string): number =>
      Number(
        new RegExp(`^${name}\\{zone="${mailDomain}",target="${target}",pool="main"\\} (\\S+)`, 'm')
          .exec(body)
          ?.at(1),
      )
    for (const target of ['mx1', 'mx2', 'mx3']) {
      const handedOut = value('mxsteer_first_rungs_total', target)
      const expected = value('mxsteer_first_rungs_expected_total', target)
      expect(handedOut).toBeGreaterThan(1000)
      // Some 5 σ of either.
      expect(Math.abs(handedOut / expected - 1)).toBeLessThan(0.06)
    }
  })
})

it('targets shows each part of the weight and why who is out', async () => {
  await mxsteer('weight', 'mx2', '50%', '--for', '1h')
  await mxsteer('drain', 'mx3', '--for', '1h')
  const { code, stdout } = await mxsteer('targets')
  expect(code).toBe(0)
  expect(stdout).toMatch(
    /^mx2\.smtp\.example\.test +main +0\.5 +1 +100% +50% +100% +100% +100% +- /m,
  )
  expect(stdout).toMatch(/^mx3\.smtp\.example\.test +main +0 +1( +100%){5} +drained /m)
  expect(stdout).toMatch(/^dead\.smtp\.example\.test +main +0 +1( +100%){4} +0% +down /m)
  expect(stdout).toMatch(
    /^dead\.smtp\.example\.test +127\.0\.0\.64 +DOWN +20\S+ +connect-refused$/m,
  )
})
