// DNS messages out of a TCP stream: two octets of length, then the message (RFC 1035 §4.2.2).

/** Shorter is no DNS message; longer than any query we can use. */
export const minMessageOctets = 12
export const maxMessageOctets = 4096

export interface Framing {
  /** Takes octets in; calls back for each whole message. False: the stream is not DNS, close it. */
  feed(chunk: Uint8Array, onMessage: (message: Uint8Array) => void): boolean
  /** Whether a message has begun and is not whole. */
  isInsideMessage(): boolean
}

export function createFraming(): Framing {
  // One message at most is held back: 2 + maxMessageOctets bounds the memory of a connection.
  const held = new Uint8Array(2 + maxMessageOctets)
  let heldOctets = 0

  const wanted = (): number =>
    heldOctets < 2 ? 2 : 2 + (((held[0] as number) << 8) | (held[1] as number))

  return {
    isInsideMessage: () => heldOctets > 0,
    feed(chunk, onMessage) {
      let at = 0
      while (at < chunk.length) {
        const taken = Math.min(wanted() - heldOctets, chunk.length - at)
        held.set(chunk.subarray(at, at + taken), heldOctets)
        heldOctets += taken
        at += taken
        if (heldOctets < 2) continue
        const length = wanted() - 2
        if (length < minMessageOctets || length > maxMessageOctets) return false
        if (heldOctets === 2 + length) {
          heldOctets = 0
          onMessage(held.subarray(2, 2 + length))
        }
      }
      return true
    },
  }
}
