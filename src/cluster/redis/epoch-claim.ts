// Claiming an epoch: the boot counter of an instance, the fence between two processes of one name. It also gives the store
// a random id if it has none.
//
//   without a secret   INCR: one above the number in the store
//   with one           the wall clock in milliseconds, or one above the number in the store if that is later. The number
//                      is sealed, so no other program can raise it, and if it is lost, the clock has gone on: the others, who
//                      take an earlier epoch for a replay, see that this boot is a later one

import { textCommand, textOf } from './bounded-read.ts'
import type { Command, Reply } from '../link/command.ts'
import type { StoreLink } from '../link/redis-link.ts'
import { maxPackedOctets, type StateKeys, storeIdOctets } from './schema.ts'
import { storeIdOf } from './snapshot.ts'
import type { StoreSeals } from './store-seals.ts'

/** Epochs are kept this long after the last boot of an instance. */
const epochLifetimeMs = 30 * 86_400_000

/** A stored epoch above this was not written by an instance. */
const maxEpoch = 1e12

interface EpochClaim {
  readonly keys: StateKeys
  readonly instance: string
  /** The highest epoch that this process has had or has seen. */
  readonly epochFloor: number
  readonly seals: StoreSeals
  readonly wallMs: number
  readonly newStoreId: () => string
}

interface ClaimedEpoch {
  readonly epoch: number
  /** null if this instance may not read it. */
  readonly storeId: string | null
}

/**
 * Claims an epoch at boot, and again after the store has lost its data: one above every epoch that this name has had.
 * Resolves to null if the store did not answer.
 */
export async function claimEpoch(link: StoreLink, claim: EpochClaim): Promise<ClaimedEpoch | null> {
  const { keys, seals, newStoreId } = claim
  const commands = seals.isSealing ? readCommands(claim) : countCommands(claim)
  const replies = await link.run([
    ['set', keys.storeId, newStoreId(), 'NX'],
    textCommand(keys.storeId, storeIdOctets),
    ...commands,
  ])
  if (replies === null) return null
  const [, id, number] = replies
  const epoch = seals.isSealing
    ? await writeSealed(link, claim, number)
    : await correctCount(link, claim, number)
  if (epoch === null) return null
  const known = storeIdOf(textOf(id))
  const isRefused = id?.kind === 'error' && id.code !== 'WRONGTYPE'
  if (known !== null || isRefused) return { epoch, storeId: known }
  const storeId = newStoreId()
  await link.run([['set', keys.storeId, storeId]])
  return { epoch, storeId }
}

const countCommands = ({ keys, instance }: EpochClaim): readonly Command[] => [
  ['incr', keys.epoch(instance)],
  ['pexpire', keys.epoch(instance), epochLifetimeMs],
]

const readCommands = ({ keys, instance }: EpochClaim): readonly Command[] => [
  textCommand(keys.epoch(instance), maxPackedOctets),
]

async function correctCount(
  link: StoreLink,
  { keys, instance, epochFloor }: EpochClaim,
  reply: Reply | undefined,
): Promise<number> {
  const counted = reply?.kind === 'value' ? Number(reply.value) : NaN
  const isValid = Number.isSafeInteger(counted) && counted > epochFloor && counted < maxEpoch
  if (isValid) return counted
  const epoch = epochFloor + 1
  await link.run([['set', keys.epoch(instance), epoch, 'PX', epochLifetimeMs]])
  return epoch
}

async function writeSealed(
  link: StoreLink,
  { keys, instance, epochFloor, seals, wallMs }: EpochClaim,
  reply: Reply | undefined,
): Promise<number | null> {
  const key = keys.epoch(instance)
  const known = seals.openEpoch(key, instance, textOf(reply)) ?? 0
  const epoch = Math.max(Math.floor(wallMs), known + 1, epochFloor + 1)
  const sealed = seals.seal({ key, field: '', writer: instance, epoch }, String(epoch))
  const written = await link.run([['set', key, sealed, 'PX', epochLifetimeMs]])
  return written === null ? null : epoch
}
