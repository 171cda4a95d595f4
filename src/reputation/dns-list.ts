// Asks DNS lists (RFC 5782) about addresses, and lists about themselves first.
//
// A list is usable while it has its test points right: 127.0.0.2 listed, 127.0.0.1 not (§5; for IPv6 the same two as
// ::FFFF:7F00:2 and ::FFFF:7F00:1). Lists that were given up answer everything, or nothing; parked domains answer with
// addresses of the web; lists that refuse a resolver say so as 127.255.255.0/24. None of these is a listing. After a
// listing the test points are asked once more: a list may die between two looks.

import { type Address, parseAddress } from '../lib/ip.ts'
import type { Clock } from '../lib/clock.ts'
import { nameBelow, type Answer, type StubResolver } from '../resolver/stub-resolver.ts'

export type ListResult =
  /** The addresses it answered with: lists say the reason so. */
  | { readonly kind: 'listed'; readonly codes: readonly string[] }
  | { readonly kind: 'clear' }
  | { readonly kind: 'unknown'; readonly why: string }

export interface ListState {
  readonly list: string
  readonly family: 4 | 6
  /** null: usable. */
  readonly problem: string | null
}

export interface DnsLists {
  query(list: string, address: string): Promise<ListResult>
  /** Of every list and family that has been asked. */
  states(): readonly ListState[]
}

interface DnsListOptions {
  readonly resolver: StubResolver
  readonly clock: Clock
  /** When a list turned usable or not; at first only if it is not. */
  readonly onChange?: (state: ListState) => void
}

/** How long the test points are taken as right. */
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
  /** One at a time for each list. */
  const check = (list: string, family: 4 | 6): Promise<ListState> => {
    const key = `${family} ${list}`
    const running = pending.get(key)
    if (running) return running
    const asked = checkNow(list, family).finally(() => pending.delete(key))
    pending.set(key, asked)
    return asked
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
      const look = interpret(
        await resolver.resolve({ name: nameBelow(address, list), type: 'A' }, true),
      )
      if (look.kind !== 'listed') return look
      const again = await check(list, address.family)
      return again.problem === null ? look : { kind: 'unknown', why: again.problem }
    },
    states: () => [...checked.values()].map(({ state }) => state),
  }
}

/** Why a list is not to be believed; null: its test points are right. */
async function testPointProblem(
  resolver: StubResolver,
  list: string,
  family: 4 | 6,
): Promise<string | null> {
  const { listed, unlisted } = testPoints[family]
  const ask = (address: Address): Promise<Answer> =>
    resolver.resolve({ name: nameBelow(address, list), type: 'A' }, true)
  const [mustBe, mustNot] = (await Promise.all([ask(listed), ask(unlisted)])).map(interpret)
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
