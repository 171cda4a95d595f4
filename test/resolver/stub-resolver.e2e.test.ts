// The stub resolver against BIND, and against a clock of our own for what it remembers.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { systemClock } from '../../src/lib/clock.ts'
import type { Response, ResourceRecord } from '../../src/resolver/response.ts'
import { type StubResolver, createStubResolver } from '../../src/resolver/stub-resolver.ts'
import { startBind } from '../support/bind.ts'
import type { ForeignServer } from '../support/foreign-server.ts'

const server = { address: '127.0.0.1', port: 53 }

describe('asks BIND', () => {
  let bind: ForeignServer
  let resolver: StubResolver
  beforeAll(async () => {
    const many = Array.from({ length: 60 }, (_, i) => `many 300 IN A 192.0.2.${i}`).join('\n')
    bind = await startBind([
      {
        apex: 'example.test.',
        text: `$ORIGIN example.test.
@ 300 IN SOA ns1 root 7 3600 600 86400 90
@ 300 IN NS ns1
ns1 300 IN A 127.0.0.1
mx1 60 IN A 192.0.2.25
mx1 60 IN AAAA 2001:db8:0:0:0:0:0:25
www 20 IN CNAME alias
alias 40 IN CNAME MX1
text 60 IN TXT "one" "two"
${many}
`,
      },
    ])
    resolver = createStubResolver({
      server: { address: '127.0.0.1', port: bind.port },
      clock: systemClock,
    })
  })
  afterAll(() => bind.stop())

  const dataOf = async (
    name: string,
    type: 'A' | 'AAAA' | 'TXT' | 'NS' | 'SOA',
  ): Promise<unknown> => {
    const answer = await resolver.resolve({ name, type })
    return answer.kind === 'found' ? answer.records.map(({ data }) => data).sort() : answer
  }

  it('for addresses, in canonical form', async () => {
    expect(await dataOf('mx1.example.test', 'A')).toEqual(['192.0.2.25'])
    expect(await dataOf('mx1.example.test', 'AAAA')).toEqual(['2001:db8::25'])
  })

  it('and follows aliases', async () => {
    expect(await dataOf('www.example.test', 'A')).toEqual(['192.0.2.25'])
    expect(await dataOf('www.example.test', 'TXT')).toEqual({ kind: 'none', why: 'nodata' })
  })

  it('for a set that UDP does not hold', async () => {
    expect(await dataOf('many.example.test', 'A')).toHaveLength(60)
  })

  it('for texts, name servers and serials', async () => {
    expect(await dataOf('text.example.test', 'TXT')).toEqual(['onetwo'])
    expect(await dataOf('example.test', 'NS')).toEqual(['ns1.example.test'])
    expect(await dataOf('example.test', 'SOA')).toEqual(['7'])
  })

  it('and tells what is not there from what is refused', async () => {
    expect(await dataOf('none.example.test', 'A')).toEqual({ kind: 'none', why: 'nxdomain' })
    expect(await dataOf('text.example.test', 'A')).toEqual({ kind: 'none', why: 'nodata' })
    expect(await dataOf('other.test', 'A')).toEqual({ kind: 'failed', why: 'refused' })
  })
})

const record = (given: Partial<ResourceRecord>): ResourceRecord => ({
  owner: 'a.test',
  type: 'A',
  ttlSeconds: 60,
  data: '192.0.2.1',
  ...given,
})
const reply = (given: Partial<Extract<Response, { kind: 'reply' }>>): Response => ({
  kind: 'reply',
  rcode: 0,
  isAuthoritative: false,
  isTruncated: false,
  answers: [],
  authority: [],
  additional: [],
  ...given,
})

/** Answers every question alike, and counts. */
function counted(replies: Response, limits: { inFlightLimit?: number; cacheLimit?: number } = {}) {
  const seen = { asked: 0, inFlight: 0, most: 0, nowMs: 0 }
  const resolver = createStubResolver({
    server,
    clock: { monotonicMs: () => seen.nowMs, wallMs: () => seen.nowMs },
    ...limits,
    async query() {
      seen.asked++
      seen.most = Math.max(seen.most, ++seen.inFlight)
      await new Promise((resolve) => setImmediate(resolve))
      seen.inFlight--
      return replies
    },
  })
  return { seen, resolver }
}

const question = { name: 'a.test', type: 'A' } as const

describe('remembers', () => {
  it.each<[string, Response, number]>([
    ['an answer for its TTL', reply({ answers: [record({ ttlSeconds: 60 })] }), 60],
    ['an answer for an hour at most', reply({ answers: [record({ ttlSeconds: 86_400 })] }), 3600],
    [
      'a name for the TTL of its alias, if that is shorter',
      reply({
        answers: [
          record({ type: 'CNAME', data: 'b.test', ttlSeconds: 20 }),
          record({ owner: 'b.test' }),
        ],
      }),
      20,
    ],
    [
      'that there is nothing, as the SOA says',
      reply({
        rcode: 3,
        authority: [record({ type: 'SOA', owner: 'test', data: '1', negativeSeconds: 30 })],
      }),
      30,
    ],
    ['a failure for five seconds', { kind: 'failed', why: 'timeout' }, 5],
    ['a SERVFAIL for five seconds', reply({ rcode: 2 }), 5],
  ])('%s', async (_, answer, seconds) => {
    const { seen, resolver } = counted(answer)
    await resolver.resolve(question)
    seen.nowMs = seconds * 1000 - 1
    await resolver.resolve({ ...question, name: 'A.test' })
    expect(seen.asked).toBe(1)
    seen.nowMs = seconds * 1000
    await resolver.resolve(question)
    expect(seen.asked).toBe(2)
  })

  it('not what is asked afresh', async () => {
    const { seen, resolver } = counted(reply({ answers: [record({})] }))
    await resolver.resolve(question)
    await resolver.resolve(question, true)
    expect(seen.asked).toBe(2)
  })

  it('so many and no more', async () => {
    const { seen, resolver } = counted({ kind: 'failed', why: 'timeout' }, { cacheLimit: 10 })
    for (let i = 0; i < 11; i++) await resolver.resolve({ name: `${i}.test`, type: 'A' })
    await resolver.resolve({ name: '10.test', type: 'A' })
    expect(seen.asked).toBe(11)
    await resolver.resolve({ name: '0.test', type: 'A' })
    expect(seen.asked).toBe(12)
  })
})

it('asks the same thing once at a time, and so many things at once', async () => {
  const { seen, resolver } = counted(reply({ answers: [record({})] }), { inFlightLimit: 3 })
  await Promise.all([resolver.resolve(question), resolver.resolve(question)])
  expect(seen.asked).toBe(1)
  const names = Array.from({ length: 40 }, (_, i) => `${i}.test`)
  await Promise.all(names.map((name) => resolver.resolve({ name, type: 'A' })))
  expect(seen.asked).toBe(41)
  expect(seen.most).toBe(3)
})

it('follows no circle of aliases', async () => {
  const circle = [
    record({ type: 'CNAME', data: 'b.test' }),
    record({ type: 'CNAME', owner: 'b.test', data: 'a.test' }),
  ]
  const { resolver } = counted(reply({ answers: circle }))
  expect(await resolver.resolve(question)).toEqual({ kind: 'none', why: 'nodata' })
})

it('counts what came of its questions', async () => {
  const { resolver } = counted({ kind: 'failed', why: 'timeout' })
  await resolver.resolve(question)
  await resolver.resolve(question)
  expect(resolver.counters()).toEqual({ answered: 0, failed: 1, fromCache: 1 })
})
