// The addresses of a target under its own name, which is the exchange of its MX records: down ones leave only
// while another of the same family stays. Others hold the MX record in their cache, and an exchange without
// addresses bounces there (Postfix: 5.4.4). Suspects stay: their name has nothing better to offer.
//
// Drained and disabled targets go on answering here, for the same reason. Of more than `answers` addresses as many are
// drawn, each as likely as any other (zone/compile/exchange-addresses.ts).

import { SlotState, Standing, type HealthReader } from '../../health/table.ts'
import {
  answerTtl,
  type SteerContext,
  type AddressSelection,
  type SelectedAddress,
} from '../selection.ts'
import type { TargetAddresses } from '../policy.ts'
import { familyOf } from './select-addresses.ts'

export function targetAddresses(set: TargetAddresses, context: SteerContext): AddressSelection {
  const { target } = set
  const { health } = context
  const family = familyOf(set.type)
  const living: SelectedAddress[] = []
  const all: SelectedAddress[] = []
  let holdSeconds = Infinity
  for (let i = 0; i < target.addresses.length; i++) {
    const address = target.addresses[i]
    if (address?.family !== family) continue
    all.push({ target, address })
    holdSeconds = Math.min(holdSeconds, holdOf(set, i, health))
    if (!isDown(set, i, health)) living.push({ target, address })
  }
  if (all.length === 0) return { kind: 'no-family' }
  const ttl = answerTtl(set, holdSeconds)
  const reason = living.length > 0 ? 'eligible' : 'failed-open'
  const addresses = limited(living.length > 0 ? living : all, set.answers, context)
  return { kind: 'selected', addresses, ttl, reason }
}

/** `count` of them at random: the front of a shuffle that goes no further (Fisher–Yates). */
function limited(
  addresses: SelectedAddress[],
  count: number,
  { random }: SteerContext,
): readonly SelectedAddress[] {
  if (addresses.length <= count) return addresses
  for (let i = 0; i < count; i++) {
    const at = i + Math.floor(random() * (addresses.length - i))
    const held = addresses[i] as SelectedAddress
    addresses[i] = addresses[at] as SelectedAddress
    addresses[at] = held
  }
  addresses.length = count
  return addresses
}

/** Down in every membership. A target in no pool is watched by nobody, and up. */
function isDown(set: TargetAddresses, address: number, health: HealthReader): boolean {
  for (const { slots, row } of set.memberships) {
    if (health.state(slots[address] ?? 0) !== SlotState.down) return false
    if (health.standing(row) === Standing.forced) return false
  }
  return set.memberships.length > 0
}

function holdOf(set: TargetAddresses, address: number, health: HealthReader): number {
  let holdSeconds = Infinity
  for (const { slots, row } of set.memberships) {
    const slot = health.holdSeconds(slots[address] ?? 0)
    // Of a row only the end of being forced up can change this answer.
    const own = health.standing(row) === Standing.forced ? health.rowHoldSeconds(row) : Infinity
    holdSeconds = Math.min(holdSeconds, slot, own)
  }
  return holdSeconds
}
