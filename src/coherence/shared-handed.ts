// What instances tell each other of what they have handed out, item by item.
//
//   an item that this instance has       still has, or had: it ends when the last instance ended it
//   one that only others have            is taken where a seal proves that the fleet wrote it. Whoever else may write to the
//                                        store could forbid every change of names by a policy that nobody ever published
//
// Whatever the store says of an item that is handed out here as well changes nothing: that goes on until it ends here.

import {
  exchangeKey,
  type HandedExchange,
  type HandedOut,
  type HandedPolicy,
  type HandedTlsa,
  policyKey,
  policyUntilMs,
  tlsaKey,
  ttlUntilMs,
} from './handed-out.ts'

/** One of the things that are handed out. */
export type HandedItem =
  | { readonly policy: HandedPolicy }
  | { readonly tlsa: HandedTlsa }
  | { readonly exchange: HandedExchange }

/** An item as another instance wrote it; its end is never null. */
export type SharedItem = HandedItem & {
  /** Whether an instance of the fleet has written it, as its seal proves. */
  readonly isProven: boolean
}

/** By name of the zone. */
export type SharedHanded = ReadonlyMap<string, readonly SharedItem[]>

export const itemsOf = ({ policies, tlsa, exchanges }: HandedOut): readonly HandedItem[] => [
  ...policies.map((policy) => ({ policy })),
  ...tlsa.map((one) => ({ tlsa: one })),
  ...exchanges.map((exchange) => ({ exchange })),
]

export const handedOf = (items: readonly HandedItem[]): HandedOut => ({
  policies: items.flatMap((item) => ('policy' in item ? [item.policy] : [])),
  tlsa: items.flatMap((item) => ('tlsa' in item ? [item.tlsa] : [])),
  exchanges: items.flatMap((item) => ('exchange' in item ? [item.exchange] : [])),
})

/** Equal for items of a zone that are the same in every respect but times. */
export function keyOfItem(item: HandedItem): string {
  if ('policy' in item) return `policy ${policyKey(item.policy)}`
  if ('tlsa' in item) return `tlsa ${tlsaKey(item.tlsa)}`
  return `exchange ${exchangeKey(item.exchange)}`
}

/** Milliseconds since 1970; `nowMs`: of what still is handed out. */
export const lastMsOf = (item: HandedItem, nowMs: number): number => timesOf(item).lastMs ?? nowMs

/** Until when a cache may hold it, milliseconds since 1970. */
export function boundUntilMs(item: HandedItem, nowMs: number): number {
  if ('policy' in item) return policyUntilMs(item.policy, nowMs)
  return ttlUntilMs('tlsa' in item ? item.tlsa : item.exchange, nowMs)
}

const timesOf = (item: HandedItem): Times & { readonly zone: string } => {
  if ('policy' in item) return item.policy
  return 'tlsa' in item ? item.tlsa : item.exchange
}

interface Times {
  readonly firstMs: number
  readonly lastMs: number | null
}

/** The item with the times that `change` makes of its own. */
export function withTimes(item: HandedItem, change: (times: Times) => Times): HandedItem {
  if ('policy' in item) return { policy: { ...item.policy, ...change(item.policy) } }
  if ('tlsa' in item) return { tlsa: { ...item.tlsa, ...change(item.tlsa) } }
  return { exchange: { ...item.exchange, ...change(item.exchange) } }
}

/** One of two items of the same key, from the earlier beginning to the later end; neither ends at null. */
export const joinItems = (one: HandedItem, other: HandedItem): HandedItem =>
  withTimes(one, ({ firstMs, lastMs }) => ({
    firstMs: Math.min(firstMs, timesOf(other).firstMs),
    lastMs: Math.max(lastMs ?? 0, timesOf(other).lastMs ?? 0),
  }))

/** Items by name of the zone, in their order. */
export const byZone = (handed: HandedOut): ReadonlyMap<string, readonly HandedItem[]> =>
  Map.groupBy(itemsOf(handed), (item) => timesOf(item).zone)

/** What this instance remembers, with what others have told of these zones. */
export function learn(own: HandedOut, shared: SharedHanded, zones: Iterable<string>): HandedOut {
  const mine = byZone(own)
  const learnt = [...zones].flatMap((zone) => {
    const theirs = shared.get(zone) ?? []
    return theirs.length === 0 ? [] : [{ zone, items: learnZone(mine.get(zone) ?? [], theirs) }]
  })
  if (learnt.length === 0) return own
  const changed = new Map(learnt.map(({ zone, items }) => [zone, items]))
  const others = [...mine].flatMap(([zone, items]) => (changed.has(zone) ? [] : items))
  return handedOf([...others, ...learnt.flatMap(({ items }) => items)])
}

function learnZone(
  mine: readonly HandedItem[],
  theirs: readonly SharedItem[],
): readonly HandedItem[] {
  const items = new Map<HandedItem, HandedItem>(mine.map((item) => [item, item]))
  // Of several of one key the last is the latest.
  const latest = new Map(mine.map((item) => [keyOfItem(item), item]))
  for (const { isProven, ...other } of theirs) {
    const own = latest.get(keyOfItem(other))
    if (own === undefined && isProven) items.set(other, other)
    else if (own !== undefined && timesOf(own).lastMs !== null)
      items.set(
        own,
        withTimes(own, ({ firstMs, lastMs }) => ({
          firstMs,
          lastMs: Math.max(lastMs ?? 0, lastMsOf(other, 0)),
        })),
      )
  }
  return [...items.values()]
}

/** Texts of what others have handed out later than this instance knows, with their ends. */
export function newsOf(
  mine: readonly HandedItem[],
  theirs: readonly SharedItem[],
  nowMs: number,
): readonly string[] {
  const latest = new Map(mine.map((item) => [keyOfItem(item), item]))
  return theirs.flatMap((other) => {
    const own = latest.get(keyOfItem(other))
    const lastMs = lastMsOf(other, 0)
    const isLater = own === undefined ? other.isProven : lastMsOf(own, Infinity) < lastMs
    return isLater && boundUntilMs(other, nowMs) > nowMs ? [`${keyOfItem(other)} ${lastMs}`] : []
  })
}
