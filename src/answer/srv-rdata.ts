// One steered SRV record as rdata (RFC 2782). Its target's name is not compressed (RFC 3597 §4).

import type { SteeredSrv } from '../steer/policy.ts'
import type { SrvChoice } from '../steer/selection.ts'
import type { Rdata } from '../wire/rdata/rdata.ts'

export function srvRdata({ port }: SteeredSrv, { priority, weight, target }: SrvChoice): Rdata {
  const octets = new Uint8Array(6 + target.owner.length)
  octets.set([priority >> 8, priority, weight >> 8, weight, port >> 8, port])
  octets.set(target.owner, 6)
  return { octets, compressible: [] }
}
