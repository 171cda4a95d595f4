// Whether an address is in a list of networks that the operator gave.

import { networkContains, type Network } from './ip.ts'

export const isListed = (networks: readonly Network[], octets: Uint8Array): boolean => {
  for (const network of networks) if (networkContains(network, octets)) return true
  return false
}
