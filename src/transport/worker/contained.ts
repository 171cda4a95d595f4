// A bug in answering one packet must not end the thread that answers all of them.

import type { Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import type { BeginTransfer, Transfer } from '../../answer/transfer/transfer.ts'

/** `respond` for transports: what it throws becomes silence and a count of `failures`. */
export const contained =
  (respond: Respond, counters: Counters): Respond =>
  // oxlint-disable-next-line max-params -- the shape of Respond
  (packet, offset, length, peer, out, outOffset) => {
    try {
      return respond(packet, offset, length, peer, out, outOffset)
    } catch {
      counters.add('failures')
      return 0
    }
  }

/** As `contained`: a transfer that fails is not begun, or its connection is cut. */
export const containedTransfers =
  (begin: BeginTransfer, counters: Counters): BeginTransfer =>
  (packet, offset, length, peer) => {
    try {
      const transfer = begin(packet, offset, length, peer)
      return transfer && containedTransfer(transfer, counters)
    } catch {
      counters.add('failures')
      return null
    }
  }

const containedTransfer = (transfer: Transfer, counters: Counters): Transfer => ({
  next(out, offset, octets) {
    try {
      return transfer.next(out, offset, octets)
    } catch {
      counters.add('failures')
      return -1
    }
  },
  end: () => transfer.end(),
})
