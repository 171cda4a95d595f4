// Where a served address is probed, if elsewhere: `192.0.2.1`, `192.0.2.1:2525`, `2001:db8::1`, `[2001:db8::1]:25`.

import { formatAddress, parseAddress } from '../../lib/ip.ts'

export interface ProbePlace {
  readonly address: string
  readonly family: 4 | 6
  /** null: the port of the probe. */
  readonly port: number | null
}

export function readProbePlace(text: string): ProbePlace | null {
  const parts = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = parts ? Number(parts[3]) : null
  const address = parseAddress(parts?.[1] ?? parts?.[2] ?? text)
  if (!address || (port !== null && (port < 1 || port > 65_535))) return null
  return { address: formatAddress(address.octets), family: address.family, port }
}
