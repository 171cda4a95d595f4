// What stands between a socket and Node's HTTP parser. The parser makes an object of every request
// that a chunk of 64 KiB holds, some 2,500 at a time; so it is fed in small slices, a turn of the event
// loop between two of them, and gets nothing while a whole request waits for its reply.

import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

const sliceOctets = 512

export class Gate extends Duplex {
  readonly #socket: Socket
  /** Whether a whole request waits for its reply, so that what follows it has to wait. */
  readonly #isOccupied: () => boolean
  /** Received, and not yet given to the parser. While there is any the socket is not read. */
  #pending: Buffer = Buffer.alloc(0)
  #hasEnded = false
  #isWanted = false
  #isScheduled = false

  constructor(socket: Socket, isOccupied: () => boolean) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    this.#isOccupied = isOccupied
    socket.on('data', (chunk: Buffer) => {
      socket.pause()
      this.#pending = chunk
      this.#schedule()
    })
    socket.on('end', () => {
      this.#hasEnded = true
      this.#schedule()
    })
    socket.on('error', () => this.destroy())
    socket.on('close', () => this.destroy())
  }

  /** To be called when a reply has been written. */
  release(): void {
    this.#schedule()
  }

  override _read(): void {
    this.#isWanted = true
    this.#schedule()
  }

  override _write(chunk: Buffer, _: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done)
  }

  override _final(done: () => void): void {
    this.#socket.end(done)
  }

  /** What was written is still sent. */
  override _destroy(_: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroySoon()
    done()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => {
      this.#isScheduled = false
      this.#feed()
    })
  }

  #feed(): void {
    if (!this.#isWanted || this.destroyed || this.#isOccupied()) return
    if (this.#pending.length > 0) {
      const slice = this.#pending.subarray(0, sliceOctets)
      this.#pending = this.#pending.subarray(slice.length)
      this.#isWanted = false
      this.push(slice)
      return
    }
    if (this.#hasEnded) this.push(null)
    else this.#socket.resume()
  }
}
