// One connection that speaks DNS (RFC 7766): queries in, answers out in the order of the queries.
//
//   reading    octets are taken as they come, and answered
//   waiting    the client does not read, a transfer is under way, or others have their turn: we do not read either;
//              what came already (one chunk) waits in #rest
//   ending     nothing more will be asked; what was asked is still answered, then FIN
// So a connection holds at most one chunk of queries and `unreadOctets` plus one answer.

import type { Socket } from 'node:net'

import type { Peer } from '../../answer/context.ts'
import type { Transfer } from '../../answer/transfer/transfer.ts'
import { maxFramedOctets, type StreamContext, type Connection } from './stream-table.ts'
import { createFraming } from './tcp-framing.ts'

/** Messages of a transfer; RFC 5936 §2.2 leaves their size to us, and pointers reach no further (RFC 1035 §4.1.4). */
const transferMessageOctets = 16_384
const transferMessagesPerTurn = 4
const lingerMs = 1000

export class StreamConnection implements Connection {
  client: string | null
  peer: Peer
  readonly #service: StreamContext
  #socket: Socket
  readonly #framing = createFraming()
  readonly #acceptedMs: number
  #isAnswered = false
  /** When the last answer was written, or the connection accepted. */
  #activeMs: number
  #messageSinceMs = 0
  /** Since when the kernel has taken nothing, while there is something for it to take. */
  #stalledSinceMs = 0
  #writesUnderWay = 0
  #rest: Uint8Array | null = null
  #transfer: Transfer | null = null
  #transferSinceMs = 0
  #isEnding = false
  #finishingSinceMs = 0
  #isTurnDue = false
  readonly #onTaken = (): void => this.#taken()
  readonly #onTurn = (): void => this.#turn()

  constructor(service: StreamContext, socket: Socket, peer: Peer, client: string | null) {
    this.#service = service
    this.#socket = socket
    this.peer = peer
    this.client = client
    this.#acceptedMs = service.clock.monotonicMs()
    this.#activeMs = this.#acceptedMs
  }

  /** Once there is DNS to read: at accept, or after a handshake or a header. */
  start(socket: Socket, first?: Uint8Array): void {
    // Over TLS this one is not the one that was accepted; whichever is gone first, both are.
    if (socket !== this.#socket) socket.once('close', () => this.closed())
    this.#socket = socket
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('end', () => this.#end())
    if (first !== undefined && first.length > 0) this.#take(first)
  }

  idleAction(nowMs: number, isLameduck: boolean): 'keep' | 'close' | 'cut' {
    const { limits } = this.#service
    const since = (ms: number): number => nowMs - ms
    if (this.#finishingSinceMs > 0) return since(this.#finishingSinceMs) > lingerMs ? 'cut' : 'keep'
    if (this.#writesUnderWay > 0 && since(this.#stalledSinceMs) > limits.writeMs) return 'cut'
    if (this.#transfer !== null)
      return since(this.#transferSinceMs) > limits.transferMs ? 'cut' : 'keep'
    if (!this.#isAnswered && since(this.#acceptedMs) > limits.firstQueryMs) return 'cut'
    if (since(this.#acceptedMs) > limits.lifetimeMs) return 'close'
    // It is us who make it wait, for no longer than the client leaves answers unread.
    if (this.#rest !== null) return 'keep'
    if (this.#framing.isInsideMessage())
      return since(this.#messageSinceMs) > limits.messageMs ? 'cut' : 'keep'
    const idleMs = isLameduck ? limits.lameduckIdleMs : limits.idleMs
    return since(this.#activeMs) > idleMs ? 'close' : 'keep'
  }

  finish(): void {
    if (this.#finishingSinceMs > 0) return
    this.#finishingSinceMs = this.#service.clock.monotonicMs()
    this.#socket.destroySoon()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** The socket is gone. */
  closed(): void {
    this.#rest = null
    this.#transfer?.end()
    this.#transfer = null
    this.#service.table.release(this)
  }

  #take(chunk: Uint8Array): void {
    if (!this.#socket.writable) return
    // After pause() one more chunk may still come.
    if (this.#rest !== null) this.#rest = Buffer.concat([this.#rest, chunk])
    else this.#answerAll(chunk)
  }

  #answerAll(chunk: Uint8Array): void {
    const { limits, clock } = this.#service
    const framing = this.#framing
    const wasInside = framing.isInsideMessage()
    let queries = 0
    let at = 0
    let used = 0
    while (at < chunk.length) {
      if (this.#mustWait(used) || queries === limits.queriesPerTurn) {
        this.#wait(chunk.subarray(at))
        break
      }
      at = framing.consume(chunk, at)
      if (at < 0) {
        this.#write(used)
        return this.#service.table.cut(this)
      }
      if (framing.message === null) continue
      queries++
      used = this.#answer(framing.message, used)
    }
    if (framing.isInsideMessage() && (queries > 0 || !wasInside))
      this.#messageSinceMs = clock.monotonicMs()
    this.#write(used)
    if (this.#transfer !== null) this.#pump()
    else if (this.#rest !== null && !this.#mustWait(0)) this.#soon()
  }

  /** The answer goes behind the `used` octets gathered so far; how many there are then. */
  #answer(message: Uint8Array, used: number): number {
    const { answerBuffer: gather, respond, beginTransfer, clock } = this.#service
    this.#transfer = beginTransfer(message, 0, message.length, this.peer)
    if (this.#transfer !== null) {
      this.#transferSinceMs = clock.monotonicMs()
      return used
    }
    const octets = respond(message, 0, message.length, this.peer, gather, used + 2)
    if (octets === 0) return used
    gather.writeUInt16BE(octets, used)
    const next = used + 2 + octets
    if (next + maxFramedOctets <= gather.length) return next
    this.#write(next)
    return 0
  }

  #mustWait(used: number): boolean {
    return this.#transfer !== null || !this.#hasRoom(used)
  }

  #hasRoom(used: number): boolean {
    return this.#socket.writableLength + used <= this.#service.limits.unreadOctets
  }

  #wait(rest: Uint8Array): void {
    this.#rest = rest
    this.#socket.pause()
  }

  #write(octets: number): void {
    if (octets === 0 || !this.#socket.writable) return
    const { clock, answerBuffer: gather, table } = this.#service
    this.#isAnswered = true
    this.#activeMs = clock.monotonicMs()
    table.touch(this)
    if (this.#writesUnderWay++ === 0) this.#stalledSinceMs = this.#activeMs
    this.#socket.write(Buffer.from(gather.subarray(0, octets)), this.#onTaken)
  }

  /** The kernel took a write, or never will. */
  #taken(): void {
    this.#writesUnderWay--
    this.#stalledSinceMs = this.#service.clock.monotonicMs()
    if (this.#transfer !== null || this.#rest !== null) this.#soon()
  }

  /** Another turn, after others had theirs. */
  #soon(): void {
    if (this.#isTurnDue) return
    this.#isTurnDue = true
    setImmediate(this.#onTurn)
  }

  #turn(): void {
    this.#isTurnDue = false
    if (!this.#socket.writable) return
    if (this.#transfer !== null) return this.#pump()
    const rest = this.#rest
    if (!this.#hasRoom(0)) return
    this.#rest = null
    if (rest !== null) this.#answerAll(rest)
    if (this.#rest !== null || this.#transfer !== null) return
    if (this.#isEnding) this.#socket.end()
    else this.#socket.resume()
  }

  /** A few messages of the transfer; each is made when there is room for it. */
  #pump(): void {
    const { answerBuffer: gather, table } = this.#service
    for (let i = 0; i < transferMessagesPerTurn && this.#transfer !== null; i++) {
      if (!this.#hasRoom(0)) return
      const octets = this.#transfer.next(gather, 2, transferMessageOctets)
      if (octets < 0) return table.cut(this)
      if (octets === 0) {
        this.#transfer.end()
        this.#transfer = null
        break
      }
      gather.writeUInt16BE(octets, 0)
      this.#write(2 + octets)
    }
    this.#soon()
  }

  /** The client closed its sending side. */
  #end(): void {
    this.#isEnding = true
    if (this.#rest === null && this.#transfer === null) this.#socket.end()
  }
}
