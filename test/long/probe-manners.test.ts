// How MTAs that we did not write take our probes: what these make of the MTA, and what the MTA's log, and
// fail2ban's own filters at their most severe, make of them.

import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { systemClock } from '../../src/lib/clock.ts'
import type { Outcome } from '../../src/health/outcome.ts'
import { type ProbeProfile, profileDefaults } from '../../src/probe/smtp/profile.ts'
import { probeAddress } from '../../src/probe/smtp/smtp-probe.ts'
import { type Exim, startExim } from '../support/exim.ts'
import { filterLog } from '../support/fail2ban.ts'
import { freePort } from '../support/free-ports.ts'
import { type Haproxy, startHaproxy } from '../support/haproxy.ts'
import { type Postfix, createPostfix } from '../support/postfix.ts'
import { pause, until } from '../support/wait.ts'

const probes = 200
const address = '127.0.0.1'
/** One each: a client that postscreen has let pass once is not made to wait again. */
const sourceOf = (index: number): string => `127.2.${index >> 8}.${index & 255}`
const someSource = sourceOf(1)
const isOurs = (line: string): boolean => /\b127\.2\.\d+\.\d+\b/.test(line)

const profile = (port: number, changes: Partial<ProbeProfile> = {}): ProbeProfile => ({
  ...profileDefaults,
  name: 'manners',
  ehlo: 'localhost',
  port,
  // postscreen waits 6 s; on a busy machine what follows takes its time too.
  bannerTimeoutMs: 25_000,
  commandTimeoutMs: 15_000,
  slowAfterMs: 25_000,
  ...changes,
})

/** So many in all, so many at once; their outcomes. */
async function probeMany(as: ProbeProfile, atOnce: number): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  let started = 0
  const lane = async (): Promise<void> => {
    while (started < probes) {
      const own = { ...as, source: { ipv4: sourceOf(++started), ipv6: null } }
      outcomes.push(await probeAddress({ address, profile: own }, systemClock))
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  return outcomes
}

const tally = (outcomes: readonly Outcome[]): Record<string, number> => {
  const counts: Record<string, number> = {}
  for (const { kind, reason } of outcomes) {
    counts[`${kind} ${reason}`] = (counts[`${kind} ${reason}`] ?? 0) + 1
  }
  return counts
}

const complaints =
  /PREGREET|pipelining|lost connection|synchroni[sz]ation|HANGUP|timeout after|no MAIL|dropped/i

const complaintsOf = (log: string): readonly string[] =>
  log.split('\n').filter((line) => complaints.test(line))

/** What a checker of TCP ports does: proof that the filters would see bad manners. */
const connectAndLeave = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, localAddress: '127.0.3.1' })
    socket.once('error', reject)
    socket.once('close', () => resolve())
    socket.once('data', () => socket.end())
    socket.resume()
  })

describe('Postfix behind postscreen, which waits six seconds after its teaser', () => {
  let postfix: Postfix
  let haproxy: Haproxy | null = null

  beforeAll(async () => {
    const port = await freePort([address])
    postfix = await createPostfix({
      name: 'mx.example.test',
      address,
      port,
      postscreen: true,
      main: ['postscreen_greet_wait = 6s', 'default_process_limit = 120'],
    })
    await postfix.start()
  })
  afterAll(async () => {
    await haproxy?.stop()
    await postfix?.stop()
  })

  it('200 probes are all ok, none before the greeting ends, and nothing is held against them', async () => {
    const outcomes = await probeMany(profile(postfix.port), 70)
    expect(tally(outcomes)).toEqual({ 'ok ok': probes })
    // Its timers count whole seconds, so that six are anything above five.
    for (const { durationMs } of outcomes) expect(durationMs).toBeGreaterThan(4900)
    const [first] = outcomes
    expect(first?.dialogue.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^220-mx\.example\.test/),
    )
    await until(() => (postfix.log().match(/ehlo=1 quit=1 commands=2/g)?.length ?? 0) === probes, {
      what: 'every session in the log',
      withinMs: 60_000,
    })
    const log = postfix.log()
    const perProbe = log.split('\n').filter(isOurs).length / probes
    console.info(`Postfix behind postscreen logs ${perProbe.toFixed(2)} lines a probe`)
    expect(complaintsOf(log)).toEqual([])
    expect((await filterLog(log, 'postfix[mode=aggressive]')).matched).toEqual([])
  }, 600_000)

  it('and the filters do match who connects and leaves', async () => {
    await connectAndLeave(postfix.port)
    await until(() => /HANGUP/.test(postfix.log()), { what: 'HANGUP', withinMs: 60_000 })
    const { matched } = await filterLog(postfix.log(), 'postfix[mode=aggressive]')
    expect(matched).toHaveLength(1)
    expect(matched[0]).toContain('HANGUP after')
  })

  it('HAProxy, side by side: smtpchk takes the same MTA for broken', async () => {
    const ours = probeAddress({ address, profile: profile(postfix.port) }, systemClock)
    haproxy = await startHaproxy([
      'backend mail',
      '  option smtpchk EHLO localhost',
      `  server postscreen ${address}:${postfix.port} check inter 2s fall 1 rise 1`,
    ])
    const theirs = await until(
      async () => {
        const seen = await haproxy?.server('postscreen')
        return seen && /^L[47](?!.*INI)/.test(seen.check) ? seen : null
      },
      { what: 'a check by HAProxy', withinMs: 60_000, everyMs: 100 },
    )
    const { kind, durationMs } = await ours
    console.info(
      `postscreen: mxsteer ${kind} after ${Math.round(durationMs)} ms; ` +
        `HAProxy ${theirs.status} ${theirs.check} ${theirs.lastCheck}`,
    )
    expect(kind).toBe('ok')
    expect([theirs.status, theirs.check]).toEqual(['DOWN', 'L7RSP'])
  })
})

describe('Exim', () => {
  const started: Exim[] = []
  const exim = async (...main: readonly string[]): Promise<Exim> => {
    const one = await startExim({ address, port: await freePort([address]), main })
    started.push(one)
    return one
  }
  afterAll(async () => {
    await Promise.all(started.map(async (one) => one.stop()))
  })

  it('logging as by default: 200 probes of level ehlo leave no line', async () => {
    const mta = await exim()
    await until(() => mta.log().includes('daemon started'), { what: 'Exim', withinMs: 60_000 })
    const before = mta.log()
    expect(tally(await probeMany(profile(mta.port), 20))).toEqual({ 'ok ok': probes })
    await pause(500)
    const log = mta.log()
    expect(log.slice(before.length)).toBe('')
    expect((await filterLog(log, 'exim[mode=aggressive]')).matched).toEqual([])
  }, 600_000)

  it('logging everything: 200 probes of level mail leave nothing to complain of', async () => {
    const mta = await exim('log_selector = +all')
    const outcomes = await probeMany(profile(mta.port, { level: 'mail' }), 20)
    expect(tally(outcomes)).toEqual({ 'ok ok': probes })
    await until(() => (mta.log().match(/closed by QUIT/g)?.length ?? 0) === probes, {
      what: 'every session in the log',
      withinMs: 60_000,
    })
    const log = mta.log()
    // Our own look whether it listens has said nothing and gone.
    const lines = log.split('\n').filter(isOurs)
    expect(lines.length).toBeGreaterThanOrEqual(2 * probes)
    expect(complaintsOf(lines.join('\n'))).toEqual([])
    const { matched } = await filterLog(lines.join('\n'), 'exim[mode=aggressive]')
    expect(matched).toEqual([])
  }, 600_000)

  it('and at level ehlo it would complain, which the filters match: so there is level mail', async () => {
    const mta = await exim('log_selector = +all')
    const as = profile(mta.port, { source: { ipv4: someSource, ipv6: null } })
    expect((await probeAddress({ address, profile: as }, systemClock)).kind).toBe('ok')
    const ours = (): string[] => mta.log().split('\n').filter(isOurs)
    await until(() => ours().some((line) => line.includes('no MAIL in SMTP connection')), {
      what: 'no MAIL',
      withinMs: 60_000,
    })
    const lines = ours()
    const { matched } = await filterLog(lines.join('\n'), 'exim[mode=aggressive]')
    expect(matched).toEqual([expect.stringContaining('no MAIL in SMTP connection from')])
  })

  it('takes the canary of level rcpt, and no message comes of it', async () => {
    const mta = await exim('log_selector = +all')
    const as = profile(mta.port, { level: 'rcpt', recipient: 'canary@example.test' })
    const outcome = await probeAddress({ address, profile: as }, systemClock)
    expect(outcome).toMatchObject({ kind: 'ok', code: 250 })
    expect(outcome.dialogue.filter(({ from }) => from === '>').map(({ text }) => text)).toEqual([
      'EHLO localhost',
      'MAIL FROM:<>',
      'RCPT TO:<canary@example.test>',
      'RSET',
      'QUIT',
    ])
    expect(mta.log()).not.toMatch(/<= |=> /)
  })
})

describe('PROXY protocol', () => {
  it.each([
    ['smtpd', 'smtpd_upstream_proxy_protocol = haproxy', false],
    ['postscreen', 'postscreen_upstream_proxy_protocol = haproxy', true],
  ] as const)(
    'Postfix %s takes both versions, and sees where we come from',
    async (_, line, postscreen) => {
      const port = await freePort([address])
      const mta = await createPostfix({
        name: 'mx.example.test',
        address,
        port,
        postscreen,
        main: [line],
      })
      await mta.start()
      try {
        for (const proxy of ['v1', 'v2'] as const) {
          const as = profile(port, { proxy, source: { ipv4: someSource, ipv6: null } })
          const outcome = await probeAddress({ address, profile: as }, systemClock)
          expect([proxy, outcome.kind]).toEqual([proxy, 'ok'])
        }
        await until(
          () => (mta.log().match(/disconnect from unknown\[127\.2\.0\.1\]/g)?.length ?? 0) === 2,
          {
            what: 'both sessions in the log',
            withinMs: 60_000,
          },
        )
        expect(complaintsOf(mta.log())).toEqual([])
      } finally {
        await mta.stop()
      }
    },
  )

  it('HAProxy with accept-proxy takes both versions', async () => {
    const mta = await startExim({ address, port: await freePort([address]) })
    const port = await freePort([address])
    const proxying = await startHaproxy([
      'listen mail',
      `  bind ${address}:${port} accept-proxy`,
      `  server exim ${address}:${mta.port}`,
    ])
    try {
      for (const proxy of ['v1', 'v2'] as const) {
        const outcome = await probeAddress(
          { address, profile: profile(port, { proxy }) },
          systemClock,
        )
        expect([proxy, outcome.kind]).toEqual([proxy, 'ok'])
      }
      const without = profile(port, { bannerTimeoutMs: 1000 })
      expect((await probeAddress({ address, profile: without }, systemClock)).kind).not.toBe('ok')
    } finally {
      await proxying.stop()
      await mta.stop()
    }
  })
})
