// One connection that speaks DNS (RFC 7766): queries in, answers out in the order of the queries.
//
//   reading    chunks are answered as they arrive
//   paused     the client does not read its answers, a transfer is under way, or other connections have to be served:
//              the socket is not read, and what had been received (one chunk) waits in #pending
//   ending     the client has closed its side; what it asked is still answered, then FIN is sent
// So a connection holds at most one chunk of queries, and answers of `unreadOctets` plus one.

import type { Socket } from 'node:net'

import type { Peer } from '../../answer/context.ts'
import type { Transfer } from '../../answer/transfer/transfer.ts'
import { maxFramedOctets, type StreamContext, type Connection } from './stream-table.ts'
import { createFraming } from './tcp-framing.ts'

/**
 * The size of a transfer's messages: RFC 5936 §2.2 leaves it open, and compression reaches no further (RFC 1035
 * §4.1.4).
 */
const transferMessageOctets = 16_384
/** Of a signed zone one may have 40 signatures to be made, some 50 µs each, and others are not answered meanwhile. */
const transferTurn = { messages: 4, ms: 2 } as const
/** How long a connection that was finished may take to close. */
const lingerMs = 1000

export class StreamConnection implements Connection {
  client: string | null
  peer: Peer
  readonly #context: StreamContext
  #socket: Socket
  readonly #framing = createFraming()
  readonly #acceptedMs: number
  #isAnswered = false
  /** To be finished after its first answer. */
  #isLast = false
  /** When the last answer was written; before that, when the connection was accepted. */
  #activeMs: number
  #messageSinceMs = 0
  /** While writes are under way: when the kernel last accepted one, or the first of them was made. */
  #stalledSinceMs = 0
  #writesUnderWay = 0
  #pending: Uint8Array | null = null
  #transfer: Transfer | null = null
  #transferSinceMs = 0
  #isEnding = false
  #finishingSinceMs = 0
  #isResumeScheduled = false
  readonly #onWritten = (): void => this.#written()
  readonly #onResume = (): void => this.#resume()

  constructor(context: StreamContext, socket: Socket, peer: Peer, client: string | null) {
    this.#context = context
    this.#socket = socket
    this.peer = peer
    this.client = client
    this.#acceptedMs = context.clock.monotonicMs()
    this.#activeMs = this.#acceptedMs
  }

  /**
   * Starts to read DNS: after the accept, the TLS handshake or the PROXY header. `socket` is the TLS socket over TLS;
   * `first` is what was received behind a PROXY header.
   */
  start(socket: Socket, first?: Uint8Array): void {
    // Over TLS this is not the socket that was accepted; the connection is gone when either of them closes.
    if (socket !== this.#socket) socket.once('close', () => this.closed())
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.#end())
    if (first !== undefined && first.length > 0) this.#receive(first)
  }

  /** See Connection: checks the deadlines in StreamLimits. */
  idleAction(nowMs: number, isLameduck: boolean): 'keep' | 'close' | 'cut' {
    const { limits } = this.#context
    const since = (ms: number): number => nowMs - ms
    if (this.#finishingSinceMs > 0) return since(this.#finishingSinceMs) > lingerMs ? 'cut' : 'keep'
    if (this.#writesUnderWay > 0 && since(this.#stalledSinceMs) > limits.writeMs) return 'cut'
    if (this.#transfer !== null)
      return since(this.#transferSinceMs) > limits.transferMs ? 'cut' : 'keep'
    if (!this.#isAnswered && since(this.#acceptedMs) > limits.firstQueryMs) return 'cut'
    if (since(this.#acceptedMs) > limits.lifetimeMs) return 'close'
    // The server makes the client wait, for as long as the client leaves answers unread; `writeMs` bounds that.
    if (this.#pending !== null) return 'keep'
    if (this.#framing.isInsideMessage())
      return since(this.#messageSinceMs) > limits.messageMs ? 'cut' : 'keep'
    const idleMs = isLameduck ? limits.lameduckIdleMs : limits.idleMs
    return since(this.#activeMs) > idleMs ? 'close' : 'keep'
  }

  finish(): void {
    if (this.#finishingSinceMs > 0) return
    // A client that has just connected is about to ask: it gets its answer first.
    if (!this.#isAnswered && !this.#isLast && this.#socket.writable) {
      this.#isLast = true
      return
    }
    this.#finishingSinceMs = this.#context.clock.monotonicMs()
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** To be called when the socket has closed. */
  closed(): void {
    this.#pending = null
    this.#transfer?.end()
    this.#transfer = null
    this.#context.table.release(this)
  }

  #receive(chunk: Uint8Array): void {
    if (!this.#socket.writable) return
    // One more chunk may arrive after pause().
    if (this.#pending !== null) this.#pending = Buffer.concat([this.#pending, chunk])
    else this.#answerAll(chunk)
  }

  /** Answers the messages of a chunk, and pauses where the rest has to wait. */
  #answerAll(chunk: Uint8Array): void {
    const { limits, clock } = this.#context
    const framing = this.#framing
    const wasInside = framing.isInsideMessage()
    let queries = 0
    let at = 0
    let used = 0
    while (at < chunk.length) {
      if (this.#mustWait(used) || queries === limits.queriesPerTurn) {
        this.#pause(chunk.subarray(at))
        break
      }
      at = framing.consume(chunk, at)
      if (at < 0) {
        this.#write(used)
        return this.#context.table.cut(this)
      }
      if (framing.message === null) continue
      queries++
      used = this.#answer(framing.message, used)
    }
    if (framing.isInsideMessage() && (queries > 0 || !wasInside))
      this.#messageSinceMs = clock.monotonicMs()
    this.#write(used)
    if (this.#transfer !== null) this.#sendTransfer()
    else if (this.#pending !== null && !this.#mustWait(0)) this.#scheduleResume()
  }

  /** Answers a message, behind `used` octets of answers already gathered. Returns how many are gathered then. */
  #answer(message: Uint8Array, used: number): number {
    const { answerBuffer, respond, beginTransfer, clock } = this.#context
    this.#transfer = beginTransfer(message, 0, message.length, this.peer)
    if (this.#transfer !== null) {
      this.#transferSinceMs = clock.monotonicMs()
      return used
    }
    const octets = respond(message, 0, message.length, this.peer, answerBuffer, used + 2)
    if (octets === 0) return used
    answerBuffer.writeUInt16BE(octets, used)
    const next = used + 2 + octets
    if (next + maxFramedOctets <= answerBuffer.length) return next
    this.#write(next)
    return 0
  }

  #mustWait(used: number): boolean {
    return this.#transfer !== null || !this.#hasRoom(used)
  }

  /** Whether the client reads its answers fast enough for another one. */
  #hasRoom(used: number): boolean {
    return this.#socket.writableLength + used <= this.#context.limits.unreadOctets
  }

  /** Stops reading; `rest` is what remains of the chunk. */
  #pause(rest: Uint8Array): void {
    this.#pending = rest
    this.#socket.pause()
  }

  /** Sends the first `octets` octets of the answers gathered. */
  #write(octets: number): void {
    if (octets === 0 || !this.#socket.writable) return
    const { clock, answerBuffer, table } = this.#context
    this.#isAnswered = true
    this.#activeMs = clock.monotonicMs()
    table.touch(this)
    if (this.#writesUnderWay++ === 0) this.#stalledSinceMs = this.#activeMs
    this.#socket.write(Buffer.from(answerBuffer.subarray(0, octets)), this.#onWritten)
    if (this.#isLast && this.#transfer === null) this.finish()
  }

  /** A write has been accepted by the kernel, or has failed. */
  #written(): void {
    this.#writesUnderWay--
    this.#stalledSinceMs = this.#context.clock.monotonicMs()
    if (this.#transfer !== null || this.#pending !== null) this.#scheduleResume()
  }

  /** Goes on after other connections were served. */
  #scheduleResume(): void {
    if (this.#isResumeScheduled) return
    this.#isResumeScheduled = true
    setImmediate(this.#onResume)
  }

  /** Goes on with the transfer or with the pending chunk, else reads again. */
  #resume(): void {
    this.#isResumeScheduled = false
    if (!this.#socket.writable) return
    if (this.#transfer !== null) return this.#sendTransfer()
    const rest = this.#pending
    if (!this.#hasRoom(0)) return
    this.#pending = null
    if (rest !== null) this.#answerAll(rest)
    if (this.#pending !== null || this.#transfer !== null) return
    if (this.#isEnding) this.#socket.end()
    else this.#socket.resume()
  }

  /** Sends a few messages of the transfer, each made only when there is room for it. */
  #sendTransfer(): void {
    const { answerBuffer, table, clock } = this.#context
    const untilMs = clock.monotonicMs() + transferTurn.ms
    for (let i = 0; i < transferTurn.messages && this.#transfer !== null; i++) {
      if (i > 0 && clock.monotonicMs() >= untilMs) break
      if (!this.#hasRoom(0)) return
      const octets = this.#transfer.next(answerBuffer, 2, transferMessageOctets)
      if (octets < 0) return table.cut(this)
      if (octets === 0) {
        this.#transfer.end()
        this.#transfer = null
        break
      }
      answerBuffer.writeUInt16BE(octets, 0)
      this.#write(2 + octets)
    }
    this.#scheduleResume()
  }

  /** The client has closed its sending side. */
  #end(): void {
    this.#isEnding = true
    if (this.#pending === null && this.#transfer === null) this.#socket.end()
  }
}
