// Entering the store at boot, and again when it lost its memory: a boot epoch above every one that this name had, and
// the name of the store itself, by chance, where it has none.

import type { StateKeys } from './state-keys.ts'
import type { StoreLink } from './store-link.ts'
import { storeIdOf } from './snapshot.ts'

export interface StoreEntry {
  readonly epoch: number
  /** null: we may not know. */
  readonly storeId: string | null
}

const epochLifetimeMs = 30 * 86_400_000
const highestEpoch = 1e12

/** `epochFloor`: the highest that we had ourselves. null: no answer. */
export async function enterStore(
  link: StoreLink,
  keys: StateKeys,
  {
    instance,
    epochFloor,
    newStoreId,
  }: {
    readonly instance: string
    readonly epochFloor: number
    readonly newStoreId: () => string
  },
): Promise<StoreEntry | null> {
  const key = keys.epoch(instance)
  const replies = await link.run([
    ['set', keys.storeId, newStoreId(), 'NX'],
    ['get', keys.storeId],
    ['incr', key],
    ['pexpire', key, epochLifetimeMs],
  ])
  if (replies === null) return null
  const [, id, count] = replies
  const counted = count?.kind === 'value' ? Number(count.value) : NaN
  const isGood = Number.isSafeInteger(counted) && counted > epochFloor && counted < highestEpoch
  const epoch = isGood ? counted : epochFloor + 1
  if (!isGood) await link.run([['set', key, epoch, 'PX', epochLifetimeMs]])
  const known = storeIdOf(id?.kind === 'value' ? id.value : null)
  const isRefused = id?.kind === 'error' && id.code !== 'WRONGTYPE'
  if (known !== null || isRefused) return { epoch, storeId: known }
  const storeId = newStoreId()
  await link.run([['set', keys.storeId, storeId]])
  return { epoch, storeId }
}
