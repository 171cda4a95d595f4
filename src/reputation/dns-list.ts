// Queries DNS lists (RFC 5782) about addresses, after a check of their test points.
//
// A list is usable while its test points are right: 127.0.0.2 listed, 127.0.0.1 not (RFC 5782 §5; for IPv6 the same two as
// ::FFFF:7F00:2 and ::FFFF:7F00:1). Abandoned lists list everything or nothing; parked domains answer with addresses of
// web servers; lists that refuse a resolver answer in 127.255.255.0/24. None of these is a listing. After a listing the
// test points are checked once more, since a list may be abandoned at any time.

import { type Address, nameBelow, parseAddress } from '../lib/ip.ts'
import type { Clock } from '../lib/clock.ts'
import type { Answer, StubResolver } from '../resolver/stub-resolver.ts'

export type ListResult =
  /** `codes`: the addresses in the answer, which give the reason. */
  | { readonly kind: 'listed'; readonly codes: readonly string[] }
  | { readonly kind: 'clear' }
  | { readonly kind: 'unknown'; readonly why: string }

export interface ListState {
  readonly list: string
  readonly family: 4 | 6
  /** Why the list is not used; null if it is usable. */
  readonly problem: string | null
}

export interface DnsLists {
  /** Looks `address` up in the DNS list. Never rejects: failures are results. */
  query(list: string, address: string): Promise<ListResult>
  /** State of every list and address family that was checked. */
  states(): readonly ListState[]
}

interface DnsListOptions {
  readonly resolver: StubResolver
  readonly clock: Clock
  /** Called when a list becomes unusable, and when it is usable again. */
  readonly onChange?: (state: ListState) => void
}

/** How long a check of the test points is valid. */
const validMs = 300_000

interface TestPoints {
  readonly listed: Address
  readonly unlisted: Address
}

const testPoints: Readonly<Record<4 | 6, TestPoints>> = {
  4: { listed: literalAddress('127.0.0.2'), unlisted: literalAddress('127.0.0.1') },
  6: { listed: literalAddress('::ffff:127.0.0.2'), unlisted: literalAddress('::ffff:127.0.0.1') },
}

interface Checked {
  readonly state: ListState
  readonly atMs: number
}

export function createDnsLists({ resolver, clock, onChange }: DnsListOptions): DnsLists {
  const checked = new Map<string, Checked>()
  const pending = new Map<string, Promise<ListState>>()

  const checkNow = async (list: string, family: 4 | 6): Promise<ListState> => {
    const key = `${family} ${list}`
    const state = { list, family, problem: await testPointProblem(resolver, list, family) }
    const before = checked.get(key)?.state ?? null
    checked.set(key, { state, atMs: clock.monotonicMs() })
    if ((before?.problem ?? null) !== state.problem) onChange?.(state)
    return state
  }
  /** Runs one check at a time for each list and family. */
  const check = (list: string, family: 4 | 6): Promise<ListState> => {
    const key = `${family} ${list}`
    const running = pending.get(key)
    if (running) return running
    const checking = checkNow(list, family).finally(() => pending.delete(key))
    pending.set(key, checking)
    return checking
  }
  const checkUnlessRecent = async (list: string, family: 4 | 6): Promise<ListState> => {
    const last = checked.get(`${family} ${list}`)
    const isRecent = last && clock.monotonicMs() - last.atMs < validMs
    return isRecent ? last.state : check(list, family)
  }
  return {
    async query(list, text) {
      const address = parseAddress(text)
      if (!address) return { kind: 'unknown', why: 'no-address' }
      const { problem } = await checkUnlessRecent(list, address.family)
      if (problem !== null) return { kind: 'unknown', why: problem }
      const result = interpret(
        await resolver.resolve({ name: nameBelow(address, list), type: 'A' }, true),
      )
      if (result.kind !== 'listed') return result
      const again = await check(list, address.family)
      return again.problem === null ? result : { kind: 'unknown', why: again.problem }
    },
    states: () => [...checked.values()].map(({ state }) => state),
  }
}

/** Checks the test points of a list. Returns why it is not usable; null if it is. */
async function testPointProblem(
  resolver: StubResolver,
  list: string,
  family: 4 | 6,
): Promise<string | null> {
  const { listed, unlisted } = testPoints[family]
  const resolve = (address: Address): Promise<Answer> =>
    resolver.resolve({ name: nameBelow(address, list), type: 'A' }, true)
  const [mustBe, mustNot] = (await Promise.all([resolve(listed), resolve(unlisted)])).map(interpret)
  if (mustBe?.kind === 'unknown') return mustBe.why
  if (mustNot?.kind === 'unknown') return mustNot.why
  if (mustNot?.kind === 'listed') return 'lists-everything'
  return mustBe?.kind === 'listed' ? null : 'lists-nothing'
}

function interpret(answer: Answer): ListResult {
  if (answer.kind === 'failed') return { kind: 'unknown', why: answer.why }
  if (answer.kind === 'none') return { kind: 'clear' }
  const codes = answer.records.map(({ data }) => data)
  if (codes.some((code) => code.startsWith('127.255.255.')))
    return { kind: 'unknown', why: 'refuses-resolver' }
  return codes.every((code) => code.startsWith('127.') && code !== '127.0.0.1')
    ? { kind: 'listed', codes: codes.slice(0, 8) }
    : { kind: 'unknown', why: 'foreign-answer' }
}

function literalAddress(text: string): Address {
  const address = parseAddress(text)
  if (!address) throw new Error(`${text} is no address`)
  return address
}
