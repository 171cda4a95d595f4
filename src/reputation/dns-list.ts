// Asks DNS lists (RFC 5782) about addresses, and lists about themselves first.
//
// A list is usable while it has its test points right: 127.0.0.2 listed, 127.0.0.1 not (§5; for IPv6 the same two as
// ::FFFF:7F00:2 and ::FFFF:7F00:1). Lists that were given up answer everything, or nothing; parked domains answer with
// addresses of the web; lists that refuse a resolver say so as 127.255.255.0/24. None of these is a listing. After a
// listing the test points are asked once more: a list may die between two looks.

import { type Address, parseAddress } from '../lib/ip.ts'
import type { Clock } from '../lib/clock.ts'
import { nameBelow, type Answer, type StubResolver } from '../resolver/stub-resolver.ts'

export type ListLook =
  /** The addresses it answered with: lists say the reason so. */
  | { readonly kind: 'listed'; readonly codes: readonly string[] }
  | { readonly kind: 'clear' }
  | { readonly kind: 'unknown'; readonly why: string }

export interface ListState {
  readonly list: string
  readonly family: 4 | 6
  /** null: usable. */
  readonly trouble: string | null
}

export interface DnsLists {
  look(list: string, address: string): Promise<ListLook>
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

const points: Readonly<Record<4 | 6, TestPoints>> = {
  4: { listed: known('127.0.0.2'), unlisted: known('127.0.0.1') },
  6: { listed: known('::ffff:127.0.0.2'), unlisted: known('::ffff:127.0.0.1') },
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
    const state = { list, family, trouble: await troubleOf(resolver, list, family) }
    const before = checked.get(key)?.state ?? null
    checked.set(key, { state, atMs: clock.monotonicMs() })
    if ((before?.trouble ?? null) !== state.trouble) onChange?.(state)
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
    async look(list, text) {
      const address = parseAddress(text)
      if (!address) return { kind: 'unknown', why: 'no-address' }
      const { trouble } = await checkUnlessRecent(list, address.family)
      if (trouble !== null) return { kind: 'unknown', why: trouble }
      const look = understand(
        await resolver.ask({ name: nameBelow(address, list), type: 'A' }, true),
      )
      if (look.kind !== 'listed') return look
      const again = await check(list, address.family)
      return again.trouble === null ? look : { kind: 'unknown', why: again.trouble }
    },
    states: () => [...checked.values()].map(({ state }) => state),
  }
}

/** Why a list is not to be believed; null: its test points are right. */
async function troubleOf(
  resolver: StubResolver,
  list: string,
  family: 4 | 6,
): Promise<string | null> {
  const { listed, unlisted } = points[family]
  const ask = (address: Address): Promise<Answer> =>
    resolver.ask({ name: nameBelow(address, list), type: 'A' }, true)
  const [mustBe, mustNot] = (await Promise.all([ask(listed), ask(unlisted)])).map(understand)
  if (mustBe?.kind === 'unknown') return mustBe.why
  if (mustNot?.kind === 'unknown') return mustNot.why
  if (mustNot?.kind === 'listed') return 'lists-everything'
  return mustBe?.kind === 'listed' ? null : 'lists-nothing'
}

function understand(answer: Answer): ListLook {
  if (answer.kind === 'failed') return { kind: 'unknown', why: answer.why }
  if (answer.kind === 'none') return { kind: 'clear' }
  const codes = answer.records.map(({ data }) => data)
  if (codes.some((code) => code.startsWith('127.255.255.')))
    return { kind: 'unknown', why: 'refuses-resolver' }
  return codes.every((code) => code.startsWith('127.') && code !== '127.0.0.1')
    ? { kind: 'listed', codes: codes.slice(0, 8) }
    : { kind: 'unknown', why: 'foreign-answer' }
}

function known(text: string): Address {
  const address = parseAddress(text)
  if (!address) throw new Error(`${text} is no address`)
  return address
}
