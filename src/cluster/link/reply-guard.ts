// What may reach the parser of ioredis: replies in RESP2, no more of them than were asked for, within a bound of octets.
// Anything else cuts the connection before the parser sees it. ioredis 6 throws where no code can catch it on a null reply
// that answers no command and on a push of RESP3, and makes room at once for as many elements as an array announces.
//
//   malformed   not RESP2, or nested deeper than any reply to our commands
//   unasked     a reply without a command: from there on, every reply would be taken for that to another command
//   oversized   more octets, announced ones included, than all replies to a batch of commands may have; or a long line,
//               which the parser would look through from its start with each chunk that comes
//   exception   the parser threw all the same

import type { Socket } from 'node:net'

export type LinkFault = 'malformed' | 'unasked' | 'oversized' | 'exception'

/**
 * Octets of all replies between two moments at which nothing is outstanding, at most: twice what a batch asks for at its
 * largest, 16 commands of 1 MiB each (bounded-read.ts). Honest replies are some 3 MB at most.
 */
const maxBatchOctets = 32 * 1024 * 1024

/** Octets of a status or an error: those of Redis have some hundred at most. */
const maxLineOctets = 65_536

/** Nested arrays, at most. The reply to XREAD has four levels; in a transaction it would be one more. */
const maxDepth = 8

/** The shortest element of an array: an empty line. */
const minElementOctets = 3

/** Digits of the length of a string or an array, and of an integer reply. */
const maxLengthDigits = 10
const maxIntegerDigits = 19

const [CR, LF, MINUS, ZERO, NINE] = [0x0d, 0x0a, 0x2d, 0x30, 0x39]
const [TEXT, ERROR, INTEGER, STRING, ARRAY] = [0x2b, 0x2d, 0x3a, 0x24, 0x2a]

type ScanState = 'type' | 'text' | 'number' | 'line-end' | 'string' | 'string-cr' | 'string-lf'

/** Finds where values of RESP2 begin and end, over any number of chunks; holds no octets. */
class FrameScanner {
  /** Whole values so far; those within an array do not count. */
  frames = 0
  #state: ScanState = 'type'
  #type = 0
  #number = 0
  #digits = 0
  #isNegative = false
  #lineOctets = 0
  /** Octets of the current string still to come. */
  #stringOctets = 0
  /** Elements still to come of each array that is open, the outermost first. */
  readonly #open: number[] = []
  #elements = 0

  /** Whether a value has begun that is not whole yet. */
  get isInside(): boolean {
    return this.#state !== 'type' || this.#open.length > 0
  }

  /** Octets, at least, that the current value still needs by what it has announced. */
  get announcedOctets(): number {
    return this.#stringOctets + this.#elements * minElementOctets
  }

  /** A line was longer than the parser is to see. */
  get hasLongLine(): boolean {
    return this.#lineOctets > maxLineOctets
  }

  /** Returns false for what is not RESP2; the scanner is of no use from then on. */
  scan(octets: Uint8Array): boolean {
    let at = 0
    while (at < octets.length) {
      if (this.#state === 'string') {
        const taken = Math.min(this.#stringOctets, octets.length - at)
        this.#stringOctets -= taken
        at += taken
        if (this.#stringOctets === 0) this.#state = 'string-cr'
      } else if (!this.#step(octets[at++] as number)) return false
    }
    return true
  }

  #step(octet: number): boolean {
    switch (this.#state) {
      case 'type':
        return this.#begin(octet)
      case 'text':
        if (octet === CR) this.#state = 'line-end'
        else if (!this.hasLongLine) this.#lineOctets++
        return octet !== LF
      case 'number':
        return this.#takeDigit(octet)
      case 'line-end':
        return octet === LF && this.#endLine()
      case 'string-cr':
        this.#state = 'string-lf'
        return octet === CR
      case 'string-lf':
        this.#complete()
        return octet === LF
      case 'string':
        return false
      default:
        return this.#state satisfies never
    }
  }

  #begin(type: number): boolean {
    this.#type = type
    this.#number = 0
    this.#digits = 0
    this.#isNegative = false
    if (!this.hasLongLine) this.#lineOctets = 0
    this.#state = type === TEXT || type === ERROR ? 'text' : 'number'
    return [TEXT, ERROR, INTEGER, STRING, ARRAY].includes(type)
  }

  #takeDigit(octet: number): boolean {
    if (octet === CR) {
      this.#state = 'line-end'
      return this.#digits > 0
    }
    if (octet === MINUS && this.#digits === 0 && !this.#isNegative) {
      this.#isNegative = true
      return true
    }
    this.#number = this.#number * 10 + (octet - ZERO)
    this.#digits++
    const most = this.#type === INTEGER ? maxIntegerDigits : maxLengthDigits
    return octet >= ZERO && octet <= NINE && this.#digits <= most
  }

  #endLine(): boolean {
    const isLine = this.#type !== STRING && this.#type !== ARRAY
    const isNull = this.#isNegative && this.#number === 1
    if (isLine || isNull) return this.#complete()
    if (this.#isNegative) return false
    if (this.#type === STRING) {
      this.#stringOctets = this.#number
      this.#state = this.#number === 0 ? 'string-cr' : 'string'
      return true
    }
    if (this.#number === 0) return this.#complete()
    this.#open.push(this.#number)
    this.#elements += this.#number
    this.#state = 'type'
    return this.#open.length <= maxDepth
  }

  /** Ends a value, and every array whose last element it is. */
  #complete(): true {
    this.#state = 'type'
    while (this.#open.length > 0) {
      this.#elements--
      const left = (this.#open.at(-1) as number) - 1
      this.#open[this.#open.length - 1] = left
      if (left > 0) return true
      this.#open.pop()
    }
    this.frames++
    return true
  }
}

/** Compares what comes from the store over one connection with what was asked over it. */
export class ReplyGuard {
  readonly #asked = new FrameScanner()
  readonly #answered = new FrameScanner()
  #batchOctets = 0

  /** Takes note of commands that are sent, whole ones. */
  request(commands: Uint8Array | string): void {
    this.#asked.scan(typeof commands === 'string' ? Buffer.from(commands) : commands)
  }

  /** Returns what is wrong with octets that came; null: they may be parsed. */
  admit(octets: Uint8Array): LinkFault | null {
    if (!this.#answered.scan(octets)) return 'malformed'
    const outstanding = this.#asked.frames - this.#answered.frames
    if (outstanding < 0 || (outstanding === 0 && this.#answered.isInside)) return 'unasked'
    this.#batchOctets += octets.length
    if (this.#answered.hasLongLine) return 'oversized'
    if (this.#batchOctets + this.#answered.announcedOctets > maxBatchOctets) return 'oversized'
    if (outstanding === 0) this.#batchOctets = 0
    return null
  }
}

/** The code by which the end of a connection is reported. */
const codeOf = (fault: LinkFault): string => (fault === 'oversized' ? 'OVERSIZED' : 'PROTOCOL')

/**
 * Puts a ReplyGuard between a socket that has read nothing yet and its listeners, and destroys the socket with the code
 * PROTOCOL or OVERSIZED at the first fault. An exception of a listener for `data` is a fault too.
 */
export function guardReplies(socket: Socket, onFault: (fault: LinkFault) => void): void {
  const guard = new ReplyGuard()
  const write = socket.write.bind(socket) as (...of: unknown[]) => boolean
  const emit = socket.emit.bind(socket) as (...of: unknown[]) => boolean
  const cut = (fault: LinkFault): boolean => {
    onFault(fault)
    socket.destroy(
      Object.assign(new Error(`a reply of the store: ${fault}`), { code: codeOf(fault) }),
    )
    return true
  }
  socket.write = (data: Uint8Array | string, ...rest: unknown[]): boolean => {
    guard.request(data)
    return write(data, ...rest)
  }
  socket.emit = (event: unknown, ...of: unknown[]): boolean => {
    if (event !== 'data') return emit(event, ...of)
    // After the end of a connection ioredis has no commands left that replies could belong to, and throws at a null.
    if (socket.destroyed || socket.writableEnded) return false
    const fault = guard.admit(of[0] as Uint8Array)
    if (fault !== null) return cut(fault)
    try {
      return emit(event, ...of)
    } catch {
      return cut('exception')
    }
  }
}
