// Epochs of exchange slots. Within one a client network has the same draw whenever, and of whichever instance, it asks for
// one of the names: so the answers to questions that come apart in time are rungs of one ladder, without any state. The next
// epoch draws anew, so that no network, and nobody who asks through a large resolver, stays with one target for good.
//
// Each network has a phase of its own: networks move one after the other, and load with them. Instances agree as far as
// their clocks do.

import { combineHashes, hashText } from '../../lib/hash.ts'

const phaseSalt = hashText('epoch')

/** Seconds since the epoch began that is under way for a client network, given by its hash (sticky.ts). */
const elapsedSeconds = (client: number, epochSeconds: number, nowSeconds: number): number =>
  (nowSeconds + (combineHashes(client, phaseSalt) % epochSeconds)) % epochSeconds

/** Whole seconds until a client network is drawn anew, at least 1. `nowSeconds`: since 1970, whole. */
export const epochSecondsLeft = (
  client: number,
  epochSeconds: number,
  nowSeconds: number,
): number => epochSeconds - elapsedSeconds(client, epochSeconds, nowSeconds)

/** The hash by which a client network is drawn now, in place of its own. */
export function epochDraw(client: number, epochSeconds: number, nowSeconds: number): number {
  const phase = combineHashes(client, phaseSalt) % epochSeconds
  return combineHashes(client, Math.floor((nowSeconds + phase) / epochSeconds))
}
