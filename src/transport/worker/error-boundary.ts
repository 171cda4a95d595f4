// The last line of defence of an answering thread: a bug in one packet must not end the thread that answers all of
// them. `createRespond` turns what it can into SERVFAIL; whatever still throws ends here, as silence.

import type { Respond } from '../../answer/context.ts'
import type { Counters } from '../../answer/counters.ts'
import type { BeginTransfer, Transfer } from '../../answer/transfer/transfer.ts'

/** `respond` that never throws: an error becomes silence (0 octets) and a count of `failures`. */
export const withErrorBoundary =
  (respond: Respond, counters: Counters): Respond =>
  (packet, offset, length, peer, out, outOffset) => {
    try {
      return respond(packet, offset, length, peer, out, outOffset)
    } catch {
      counters.add('failures')
      return 0
    }
  }

/**
 * `beginTransfer` that never throws: an error while beginning means no transfer (null), an error in a transfer under
 * way makes `next` return -1, which cuts the connection. Both count as `failures`.
 */
export const withTransferErrorBoundary =
  (begin: BeginTransfer, counters: Counters): BeginTransfer =>
  (packet, offset, length, peer) => {
    try {
      const transfer = begin(packet, offset, length, peer)
      return transfer && guardTransfer(transfer, counters)
    } catch {
      counters.add('failures')
      return null
    }
  }

const guardTransfer = (transfer: Transfer, counters: Counters): Transfer => ({
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
