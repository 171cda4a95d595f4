// What was decided for IPv4 networks of 24 bits, one word for each: so many of them lie in the nearest memory as can.
// A newcomer takes the place of who was there.
//
//   a cell   decision, 9 bits | scope, 5 bits | owner, 9 bits | tag, 7 bits; owner 0: free
//
// A network's place and tag are its bits, mixed and none lost; the owner moves the place, by no more than is read from
// memory at once. So who has place, tag and owner is the network itself.

const placeBits = 17
const tagBits = 7
const ownerBits = 9
const scopeBits = 5
const networkMask = 0xff_ffff
/** Odd, so that different networks stay different. */
const mixer = 0x9e_3779
const scopeShift = tagBits + ownerBits
const whoseMask = (1 << scopeShift) - 1
const maxDecision = 0x1ff
const maxOwners = (1 << ownerBits) - 1

export const unknownNetwork = -1
/** Of whom nothing is kept. */
export const noOwner = 0

export class RecentNetworks {
  readonly #cells = new Int32Array(1 << placeBits)
  #owners = 0

  /** A number for whoever decides, or `noOwner` where there are too many. */
  join(): number {
    return this.#owners < maxOwners ? ++this.#owners : noOwner
  }

  /** Forgets everything, and who joined. */
  clear(): void {
    this.#cells.fill(0)
    this.#owners = 0
  }

  /** `owner`: who joined. Of the upper 24 bits of an address: the scope, and the decision times 32; or `unknownNetwork`. */
  recall(owner: number, network: number): number {
    const mixed = mix(network)
    const cell = this.#cells[placeOf(owner, mixed)] as number
    return (cell & whoseMask) === whoseOf(owner, mixed) ? cell >>> scopeShift : unknownNetwork
  }

  /** `scope`: 24 at most. */
  keep(owner: number, network: number, scope: number, decision: number): void {
    if (decision > maxDecision) return
    const mixed = mix(network)
    const word = (decision << scopeBits) | scope
    this.#cells[placeOf(owner, mixed)] = (word << scopeShift) | whoseOf(owner, mixed)
  }
}

const mix = (network: number): number => Math.imul(network ^ (network >>> 11), mixer) & networkMask

const placeOf = (owner: number, mixed: number): number => (mixed >>> tagBits) ^ (owner & 15)

const whoseOf = (owner: number, mixed: number): number => (owner << tagBits) | (mixed & 0x7f)
