// A message as it is kept: without what belongs to the one who asked, so that it can be told to anybody.

import { Flag } from '../../wire/header.ts'
import type { Query } from '../../wire/query.ts'

/** A copy of the first `octets` without ID, RD and the count of the OPT. */
export function bareMessage(
  out: Uint8Array,
  start: number,
  octets: number,
  query: Query,
): Uint8Array {
  const message = new Uint8Array(octets)
  for (let i = 0; i < octets; i++) message[i] = out[start + i] as number
  message[0] = 0
  message[1] = 0
  message[2] = (message[2] as number) & ~Flag.RD
  if (!query.hasOpt) return message
  const additionals = (((message[10] as number) << 8) | (message[11] as number)) - 1
  message[10] = additionals >> 8
  message[11] = additionals
  return message
}
