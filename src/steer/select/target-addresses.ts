// The addresses of a target under its own name, which is the exchange of its MX records. Down ones are left out only
// while another of the same family stays: resolvers hold the MX record in their caches, and mail bounces at an exchange
// without addresses (Postfix: 5.4.4). Suspect ones stay, for the name has no better ones to offer.
//
// Drained and disabled targets go on being answered here, for the same reason. Of more than `answers` addresses, so many
// are drawn, all equally likely (zone/compile/exchange-addresses.ts); under the name of an exchange slot, by its client.

import { type HealthReader, SlotState, Standing } from '../../health/table.ts'
import type { TargetAddresses } from '../policy.ts'
import { type AddressSelection, answerTtl, type SelectedAddress } from '../selection.ts'
import { addressScore } from '../draw/sticky.ts'
import { familyOf } from './select-addresses.ts'
import type { Steering } from './steering.ts'

/** The addresses that are not down, or all where every one is. 'no-family': the target has none of the set's type. `client`: hash by which some of many are chosen; null: at random. */
export function targetAddresses(
  set: TargetAddresses,
  steering: Steering,
  client: number | null = null,
): AddressSelection {
  const { target } = set
  const { health } = steering
  steering.chooser.begin()
  const family = familyOf(set.type)
  const usable: SelectedAddress[] = []
  const all: SelectedAddress[] = []
  let holdSeconds = Infinity
  for (let i = 0; i < target.addresses.length; i++) {
    const address = target.addresses[i]
    if (address?.family !== family) continue
    all.push({ target, address })
    holdSeconds = Math.min(holdSeconds, holdSecondsAt(set, i, health))
    if (!isDown(set, i, health)) usable.push({ target, address })
  }
  if (all.length === 0) return { kind: 'no-family' }
  const ttl = answerTtl(set, holdSeconds)
  const reason = usable.length > 0 ? 'eligible' : 'failed-open'
  const open = usable.length > 0 ? usable : all
  const addresses =
    client === null ? drawSome(open, set.answers, steering) : chooseSome(open, set.answers, client)
  return { kind: 'selected', addresses, ttl, reason }
}

/** `count` of them at random: a Fisher–Yates shuffle that stops there. */
function drawSome(
  addresses: SelectedAddress[],
  count: number,
  { chooser }: Steering,
): readonly SelectedAddress[] {
  if (addresses.length <= count) return addresses
  for (let i = 0; i < count; i++) {
    const at = i + chooser.equal(addresses.length - i)
    const held = addresses[i] as SelectedAddress
    addresses[i] = addresses[at] as SelectedAddress
    addresses[at] = held
  }
  addresses.length = count
  return addresses
}

/** The `count` of the lowest scores. */
function chooseSome(
  addresses: SelectedAddress[],
  count: number,
  client: number,
): readonly SelectedAddress[] {
  if (addresses.length <= count) return addresses
  const scoreOf = ({ address }: SelectedAddress): number =>
    addressScore(client, address.rdata.octets)
  return addresses.sort((a, b) => scoreOf(a) - scoreOf(b)).slice(0, count)
}

/** Down in every membership. The addresses of a target in no pool are not probed, and up. */
function isDown(set: TargetAddresses, address: number, health: HealthReader): boolean {
  for (const { slots, row } of set.memberships) {
    if (health.state(slots[address] ?? 0) !== SlotState.down) return false
    if (health.standing(row) === Standing.forced) return false
  }
  return set.memberships.length > 0
}

function holdSecondsAt(set: TargetAddresses, address: number, health: HealthReader): number {
  let holdSeconds = Infinity
  for (const { slots, row } of set.memberships) {
    const ofSlot = health.holdSeconds(slots[address] ?? 0)
    // Of a row, only the end of being forced up can change this answer.
    const ofRow = health.standing(row) === Standing.forced ? health.rowHoldSeconds(row) : Infinity
    holdSeconds = Math.min(holdSeconds, ofSlot, ofRow)
  }
  return holdSeconds
}
