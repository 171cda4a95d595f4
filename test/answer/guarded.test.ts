// Cookies and the rate limit in whole answers: which clients are proven or limited, what they get, what is counted.

import { describe, expect, test } from 'vitest'
import type { AnswerContext, Peer } from '../../src/answer/context.ts'
import { createCounters } from '../../src/answer/counters.ts'
import { createRespond } from '../../src/answer/respond.ts'
import { createRateLimiter, rateLimitDefaults } from '../../src/admission/rate-limit.ts'
import type { RateLimitOptions } from '../../src/admission/rate-limit.ts'
import { createCookieKeeper } from '../../src/admission/server-cookie.ts'
import { contextOf, peerOf, send } from '../support/ask-catalog.ts'
import { exampleCatalog } from '../support/example-zone.ts'
import { viewOf } from '../support/foreign-view.ts'
import { option, optionsOf, optsOf } from '../support/opt-options.ts'
import { buildQuery } from '../support/packet-builder.ts'
import type { QuerySpec } from '../support/packet-builder.ts'

const name = 'mx1.example.test'
const clientCookie = [1, 2, 3, 4, 5, 6, 7, 8]
const secret = new Uint8Array(16).fill(9)
const cookies = createCookieKeeper({ secrets: [secret] })
const startMs = 1_700_000_000_000

/** A server whose time the test moves, and one way of asking it. */
function serverOf(overrides: Partial<AnswerContext> = {}) {
  const time = { ms: 0 }
  const counters = createCounters()
  const clock = { wallMs: () => startMs + time.ms, monotonicMs: () => time.ms }
  const respond = createRespond(
    contextOf(exampleCatalog, { cookies, counters, clock, ...overrides }),
  )
  const ask = (spec: QuerySpec, peer: Peer = peerOf('udp')) => {
    const octets = send(respond, buildQuery({ name, ...spec }), peer)
    return octets === null ? null : { octets, view: viewOf(octets), cookie: cookieOf(octets) }
  }
  return { time, ask, scalars: () => counters.read().scalars }
}
const cookieOf = (octets: Uint8Array): readonly number[] => [
  ...(optsOf(octets)[0]?.options.find((one) => one.code === 10)?.data ?? []),
]
const withCookie = (cookie: readonly number[]): QuerySpec => ({
  opts: [{ options: option(10, cookie) }],
})
const rcodeOf = (asked: { readonly octets: Uint8Array } | null): number | null => {
  if (asked === null) return null
  const upper = optsOf(asked.octets)[0]?.extendedRcode ?? 0
  return (upper << 4) | ((asked.octets[3] ?? 0) & 15)
}
const badCookie = 23

describe('cookies', () => {
  test('a client cookie gets a server cookie that is good, and comes back as it is while young', () => {
    const { ask, time } = serverOf()
    const first = ask(withCookie(clientCookie))
    expect(first?.view).toMatchObject({ rcode: 0, answer: [`${name} 300 A 192.0.2.1`] })
    expect(first?.cookie).toHaveLength(24)
    expect(first?.cookie.slice(0, 8)).toEqual(clientCookie)
    time.ms = 1_800_000
    expect(ask(withCookie(first?.cookie ?? []))?.cookie).toEqual(first?.cookie)
    time.ms = 1_801_000
    const renewed = ask(withCookie(first?.cookie ?? []))?.cookie
    expect(renewed).toHaveLength(24)
    expect(renewed).not.toEqual(first?.cookie)
    expect(ask(withCookie(renewed ?? []))?.cookie).toEqual(renewed)
  })

  test('a bad one gets the same answer, and a new one', () => {
    const { ask, time } = serverOf()
    const good = ask(withCookie(clientCookie))?.cookie ?? []
    const bad = good.with(20, (good[20] ?? 0) ^ 1)
    for (const cookie of [bad, good.slice(0, 16), [...good, 1, 2, 3]]) {
      const asked = ask(withCookie(cookie))
      expect(asked?.view).toMatchObject({ rcode: 0, answer: [`${name} 300 A 192.0.2.1`] })
      expect(asked?.cookie).toEqual(good)
    }
    time.ms = 3_700_000
    expect(ask(withCookie(good))?.cookie).not.toEqual(good)
  })

  test('none asked for, none given; nor where they are off', () => {
    expect(serverOf().ask({ opts: [{}] })?.cookie).toEqual([])
    expect(serverOf({ cookies: null }).ask(withCookie(clientCookie))?.cookie).toEqual([])
  })

  test('come with errors too', () => {
    const { ask } = serverOf()
    for (const spec of [{ name: 'example.org' }, { name: 'missing.example.test' }, { type: 41 }])
      expect(ask({ ...withCookie(clientCookie), ...spec })?.cookie).toHaveLength(24)
  })

  test('without a question: NOERROR, or BADCOOKIE where a wrong one came (RFC 7873 §5.4)', () => {
    const { ask } = serverOf()
    const bare = (cookie: readonly number[]) =>
      ask({ counts: [0, 0, 0, 1], ...withCookie(cookie), isBare: true })
    const first = bare(clientCookie)
    expect(first?.view).toMatchObject({ question: null, answer: [], authority: [], flags: 'rd' })
    expect([rcodeOf(first), first?.cookie.length]).toEqual([0, 24])
    expect(rcodeOf(bare(first?.cookie ?? []))).toBe(0)
    const wrong = bare([...clientCookie, ...clientCookie])
    expect([rcodeOf(wrong), wrong?.cookie.length]).toEqual([badCookie, 24])
    expect(rcodeOf(ask({ counts: [0, 0, 0, 1], opts: [{}], isBare: true }))).toBe(1)
    expect(
      rcodeOf(
        serverOf({ cookies: null }).ask({
          counts: [0, 0, 0, 1],
          isBare: true,
          ...withCookie(clientCookie),
        }),
      ),
    ).toBe(1)
  })
})

const limiterOf = (changes: Partial<RateLimitOptions> = {}) =>
  createRateLimiter({
    ...rateLimitDefaults,
    perSecond: 10,
    burst: 20,
    workers: 1,
    exempt: [],
    dryRun: false,
    seed: [1, 2],
    ...changes,
  })

describe('the rate limit', () => {
  const flood = (server: ReturnType<typeof serverOf>, count: number, spec: QuerySpec = {}) =>
    Array.from({ length: count }, () => server.ask(spec))

  test('cuts what is above: header and question with TC, no longer than the query', () => {
    const server = serverOf({ limiter: limiterOf() })
    const replies = flood(server, 30)
    expect(replies.slice(0, 20).every((one) => one?.view.answer.length === 1)).toBe(true)
    for (const one of replies.slice(20)) {
      expect(one?.view).toMatchObject({
        rcode: 0,
        flags: 'tc rd',
        question: `${name} A`,
        answer: [],
        authority: [],
        additional: [],
        opt: null,
      })
      expect(one?.octets.length).toBe(buildQuery({ name }).length)
    }
    expect(server.scalars()).toMatchObject({ rateSlipped: 10, rateDropped: 0, truncated: 10 })
    server.time.ms = 2000
    expect(server.ask({})?.view.answer).toHaveLength(1)
  })

  test('keeps the OPT of who has one, and nothing in it', () => {
    const server = serverOf({ limiter: limiterOf() })
    const spec = { opts: [{ udp: 4096, dnssecOk: true, options: option(3) }] }
    const last = flood(server, 21, spec).at(-1)
    expect(last?.view).toMatchObject({ flags: 'tc rd', opt: { udp: 1232, dnssecOk: true } })
    expect(optionsOf(last?.octets ?? new Uint8Array(0))).toEqual([])
  })

  test('tells who has a client cookie BADCOOKIE, and lets the new one in at once', () => {
    const server = serverOf({ limiter: limiterOf() })
    const last = flood(server, 25, withCookie(clientCookie)).at(-1) ?? null
    expect([rcodeOf(last), last?.view.flags, last?.view.answer]).toEqual([badCookie, 'rd', []])
    const query = buildQuery({ name, ...withCookie(clientCookie) })
    expect((last?.octets.length ?? 0) - query.length).toBe(16)
    const proven = flood(server, 1000, withCookie(last?.cookie ?? []))
    expect(proven.every((one) => one?.view.answer.length === 1)).toBe(true)
  })

  test('is not of TCP and TLS', () => {
    const server = serverOf({ limiter: limiterOf() })
    for (const transport of ['tcp', 'tls'] as const)
      for (let i = 0; i < 100; i++)
        expect(server.ask({}, peerOf(transport))?.view.answer).toHaveLength(1)
    expect(server.scalars()).toMatchObject({ rateSlipped: 0, rateDropped: 0 })
  })

  test('errors go out as they are, one in `slip`, and count like answers', () => {
    const server = serverOf({ limiter: limiterOf({ slip: 2 }) })
    const malformed = { counts: [1, 0, 0, 1] as const }
    const replies = flood(server, 30, malformed)
    expect(replies.slice(0, 20).every((one) => rcodeOf(one) === 1)).toBe(true)
    expect(replies.slice(20).map((one) => one && [rcodeOf(one), one.view.flags])).toEqual(
      Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? [1, 'rd'] : null)),
    )
    expect(server.scalars()).toMatchObject({ rateSlipped: 5, rateDropped: 5, answered: 25 })
  })

  test('cuts the BADKEY of a TSIG too, whose key may be named by two octets of the query', () => {
    const respond = createRespond(contextOf(exampleCatalog, { limiter: limiterOf({ burst: 1 }) }))
    const rdata = [0, ...Array<number>(10).fill(0), 18, 52, 0, 0, 0, 0]
    const tsig = [0xc0, 12, 0, 250, 0, 255, 0, 0, 0, 0, 0, rdata.length, ...rdata]
    const query = buildQuery({ name: `${'x'.repeat(60)}.${name}`, records: [tsig] })
    const [whole, cut] = [1, 2].map(() => send(respond, query, peerOf('udp')))
    expect([(whole?.[3] ?? 0) & 15, (cut?.[3] ?? 0) & 15]).toEqual([9, 9])
    expect(whole?.length).toBeGreaterThan(query.length)
    expect(cut?.length).toBeLessThanOrEqual(query.length)
  })

  test('drops three in four of a flood', () => {
    const server = serverOf({ limiter: limiterOf() })
    flood(server, 2000)
    const later = flood(server, 400)
    expect(later.filter((one) => one === null)).toHaveLength(300)
  })

  test('of a dry run answers all and counts', () => {
    const server = serverOf({ limiter: limiterOf({ dryRun: true }) })
    expect(flood(server, 30).every((one) => one?.view.answer.length === 1)).toBe(true)
    expect(server.scalars()).toMatchObject({ rateSlipped: 10, rateDropped: 0, truncated: 0 })
  })

  test('never sends more than the stated bound, whatever is asked', () => {
    const [perSecond, burst, maxUdpOctets, seconds] = [10, 20, 1232, 20]
    const server = serverOf({ limiter: limiterOf() })
    const sent = { in: 0, out: 0, answers: 0 }
    const specs: QuerySpec[] = [
      { name: 'example.test', type: 15, opts: [{ udp: 4096 }] },
      { name: 'child.example.test', opts: [{ udp: 4096, options: option(3) }] },
      { name: 'example.test', type: 255, ...withCookie(clientCookie) },
      { name: 'example.org', ...withCookie([...clientCookie, ...clientCookie]) },
      { flags: 0x2000, type: 6, name: 'example.test', opts: [{ udp: 4096 }] },
      { flags: 0x7800, opts: [{ version: 1 }] },
    ]
    for (let ms = 0; ms < seconds * 1000; ms += 2) {
      server.time.ms = ms
      const spec = specs[(ms / 2) % specs.length] as QuerySpec
      const asked = server.ask(spec)
      sent.in += buildQuery({ name, ...spec }).length
      sent.out += asked?.octets.length ?? 0
      sent.answers += asked === null ? 0 : 1
    }
    const bound = sent.in + 16 * sent.answers + (burst + perSecond * seconds) * maxUdpOctets
    expect(sent.out).toBeLessThanOrEqual(bound)
    // Fifty times its limit is a flood: it is not even answered octet for octet.
    expect(sent.out).toBeLessThan(sent.in)
  })
})
