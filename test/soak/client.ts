// A client that asks an instance all the time, over UDP and TCP, and tries again as a resolver does. Whatever happens to
// the store, the files and the MTAs, each answer is one of those that the zone file allows.

import { connect } from 'node:net'

import type { Packet } from 'dns2'

import { targets, zone } from '../faults/fleet.ts'
import {
  addressesOf,
  decodeReply,
  encodeQuestion,
  framed,
  ladderOf,
  openUdpClient,
  type TypeWord,
} from '../support/dns-client.ts'
import { pause } from '../support/wait.ts'

export interface SoakClient {
  answers(): number
  /** Tries that had no reply within two seconds; another one may have had. */
  lostTries(): number
  /** Questions whose three tries had no reply. */
  missing(): number
  /** What was wrong, each kind once. */
  wrong(): ReadonlyMap<string, number>
  stop(): Promise<void>
}

const tries = 3
const tryMs = 2000
const nxdomain = 3

interface Question {
  readonly name: string
  readonly type: TypeWord
  /** What is wrong with a reply; null: nothing. */
  readonly fault: (reply: Packet) => string | null
}

const expectAddresses =
  (wanted: readonly string[]) =>
  (reply: Packet): string | null => {
    const got = addressesOf(reply).join(' ')
    return got === wanted.join(' ')
      ? null
      : `addresses ${got || 'none'}, expected ${wanted.join(' ')}`
  }

function faultOfMx(reply: Packet): string | null {
  const exchanges = ladderOf(reply).map(({ exchange }) => exchange)
  if (exchanges.length === 0) return 'an MX answer without a record'
  const known = targets.map((target) => `${target}.${zone}`)
  const foreign = exchanges.find((exchange) => !known.includes(exchange))
  return foreign === undefined ? null : `an exchange that no zone has: ${foreign}`
}

const questions = (addressOf: (target: string) => string): readonly Question[] => [
  { name: zone, type: 'MX', fault: faultOfMx },
  ...targets.map((target) => ({
    name: `${target}.${zone}`,
    type: 'A' as const,
    fault: expectAddresses([addressOf(target)]),
  })),
  { name: `ns1.${zone}`, type: 'A', fault: expectAddresses(['192.0.2.53']) },
  {
    name: `none.${zone}`,
    type: 'A',
    fault: ({ header }) => (header.rcode === nxdomain ? null : 'a name that there is not'),
  },
]

/** Starts asking `port` of loopback. */
export function startSoakClient(port: number, addressOf: (target: string) => string): SoakClient {
  const asked = questions(addressOf)
  const wrong = new Map<string, number>()
  const counts = { answers: 0, lostTries: 0, missing: 0 }
  const stopping = new AbortController()
  const udp = openUdpClient(port)

  const loop = async (
    everyMs: number,
    askOnce: (question: Question) => Promise<Packet>,
  ): Promise<void> => {
    for (let i = 0; !stopping.signal.aborted; i++) {
      const question = asked[i % asked.length] as Question
      const reply = await firstReply(
        () => askOnce(question),
        () => counts.lostTries++,
      )
      if (reply === null) counts.missing++
      else {
        counts.answers++
        const fault =
          reply.header.rcode !== 0 && reply.header.rcode !== nxdomain
            ? `RCODE ${reply.header.rcode}`
            : question.fault(reply)
        const what = `${question.name} ${question.type}: ${fault}`
        if (fault !== null) wrong.set(what, (wrong.get(what) ?? 0) + 1)
      }
      await pause(everyMs)
    }
  }
  const ended = Promise.all([
    loop(10, ({ name, type }) => udp.ask(name, type, tryMs)),
    loop(200, ({ name, type }) => askOverTcp(port, name, type)),
  ])
  return {
    answers: () => counts.answers,
    lostTries: () => counts.lostTries,
    missing: () => counts.missing,
    wrong: () => wrong,
    async stop() {
      stopping.abort()
      await ended
      udp.close()
    },
  }
}

async function firstReply(
  askOnce: () => Promise<Packet>,
  onLost: () => void,
): Promise<Packet | null> {
  for (let i = 0; i < tries; i++) {
    try {
      return await askOnce()
    } catch {
      onLost()
    }
  }
  return null
}

/** A connection for one question; rejects when it is closed, or after `tryMs`, without a reply. */
const askOverTcp = (port: number, name: string, type: TypeWord): Promise<Packet> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, timeout: tryMs })
    let held = Buffer.alloc(0)
    socket.on('connect', () => socket.write(framed(encodeQuestion(name, type, 7))))
    socket.on('data', (chunk) => {
      held = Buffer.concat([held, chunk])
      if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return
      socket.destroy()
      try {
        resolve(decodeReply(held.subarray(2, 2 + held.readUInt16BE(0))))
      } catch (error) {
        reject(error)
      }
    })
    socket.on('timeout', () => socket.destroy(new Error('no reply')))
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('closed')))
  })
