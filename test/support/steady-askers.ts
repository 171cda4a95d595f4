// Clients that ask all the time, at a steady rate, whether they are answered or not: half of the questions over UDP, half
// over TCP, of these each on a connection of its own but for a few long-lived ones. What each answer took is written down.

import { connect } from 'node:net'

import { encodeQuestion, framed, openUdpClient } from './dns-client.ts'

export interface Asked {
  readonly sent: number
  /** Questions without an answer, and why. */
  readonly lost: readonly string[]
  /** Answers without a record. */
  readonly empty: number
  /** Questions that were asked again, since their connection ended without an answer (RFC 7766 §6.2.4). */
  readonly repeated: number
  /** The longest time to an answer, in milliseconds, over each. */
  readonly latestMs: { readonly udp: number; readonly tcp: number }
}

export interface SteadyAskers {
  /** Ends the asking; resolves when every question is answered or given up. */
  stop(): Promise<Asked>
}

interface AskersOptions {
  readonly port: number
  readonly name: string
  readonly perSecond: number
  /** After how long a question is given up. */
  readonly withinMs: number
}

const udpSockets = 10
const longLived = 5
const maxRepeats = 3

export function startAskers(options: AskersOptions): SteadyAskers {
  const { port, name, perSecond, withinMs } = options
  const clients = Array.from({ length: udpSockets }, () => openUdpClient(port))
  const lanes = Array.from({ length: longLived }, (_, i) => new TcpLane(options, i))
  const tally = { sent: 0, empty: 0, repeated: 0, udp: 0, tcp: 0 }
  const lost: string[] = []
  const open = new Set<Promise<void>>()

  async function overUdp(i: number): Promise<number> {
    const client = clients[i % udpSockets] as (typeof clients)[number]
    return (await client.ask(name, 'MX', withinMs)).answers.length
  }
  async function overTcp(i: number): Promise<number> {
    const lane = i % 10 === 1 ? (lanes[(i >> 1) % longLived] as TcpLane) : new TcpLane(options, i)
    for (let repeats = 0; ; repeats++) {
      try {
        return await lane.ask()
      } catch (error) {
        if (repeats === maxRepeats || !(error instanceof EndedEarly)) throw error
        tally.repeated++
      } finally {
        if (!lanes.includes(lane)) lane.close()
      }
    }
  }
  async function one(i: number): Promise<void> {
    const over = i % 2 === 0 ? 'udp' : 'tcp'
    const sinceMs = performance.now()
    try {
      if ((await (over === 'udp' ? overUdp(i) : overTcp(i))) === 0) tally.empty++
      tally[over] = Math.max(tally[over], performance.now() - sinceMs)
    } catch (error) {
      lost.push(`${over}: ${String(error)}`)
    }
  }
  const startedMs = performance.now()
  let missed = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - startedMs) * perSecond) / 1000 - missed
    // What was held up here is not made up for at once.
    const late = Math.max(0, Math.floor(due - tally.sent - perSecond / 4))
    missed += late
    while (tally.sent < due - late) {
      const asked = one(tally.sent++)
      open.add(asked)
      void asked.finally(() => open.delete(asked))
    }
  }, 5)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(open)
      for (const client of [...clients, ...lanes]) client.close()
      const { sent, empty, repeated, udp, tcp } = tally
      return { sent, lost, empty, repeated, latestMs: { udp, tcp } }
    },
  }
}

/** The server has ended a connection on which a question was open, as it may. */
class EndedEarly extends Error {}

/** Questions one after the other on one connection, which is opened anew where it was ended. */
class TcpLane {
  readonly #options: AskersOptions
  /** One of many, since a client has few connections at once. */
  readonly #localAddress: string
  #socket: ReturnType<typeof connect> | null = null
  #turn: Promise<unknown> = Promise.resolve()

  constructor(options: AskersOptions, index: number) {
    this.#options = options
    this.#localAddress = `127.9.${index % 200}.1`
  }

  /** Resolves to the number of answer records. */
  ask(): Promise<number> {
    const asked = this.#turn.then(() => this.#askNow())
    this.#turn = asked.catch(() => {})
    return asked
  }

  close(): void {
    this.#socket?.destroy()
    this.#socket = null
  }

  #askNow(): Promise<number> {
    const { port, name, withinMs } = this.#options
    if (this.#socket?.closed || this.#socket?.readableEnded) this.close()
    this.#socket ??= connect({
      port,
      host: '127.0.0.1',
      localAddress: this.#localAddress,
      noDelay: true,
    })
    const socket = this.#socket
    return new Promise((resolve, reject) => {
      let held = Buffer.alloc(0)
      const end = (error: Error | null, answers = 0): void => {
        clearTimeout(overdue)
        socket.removeAllListeners()
        socket.on('error', () => {})
        if (error === null) return resolve(answers)
        this.close()
        reject(error)
      }
      const overdue = setTimeout(() => end(new Error(`nothing in ${withinMs} ms`)), withinMs)
      socket.on('data', (chunk: Buffer) => {
        held = Buffer.concat([held, chunk])
        if (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0))
          end(null, held.readUInt16BE(2 + 6))
      })
      socket.on('error', (error: NodeJS.ErrnoException) =>
        end(error.code === 'ECONNREFUSED' ? error : new EndedEarly(error.message)),
      )
      socket.on('close', () => end(new EndedEarly('closed')))
      socket.write(framed(encodeQuestion(name, 'MX', 1)))
    })
  }
}
