// Who asks in earnest while a server is flooded: 200,000 questions a second from many ports, asked whether or not they are
// answered, and beside them questions that are asked once each, from addresses of their own.
//
// What is answered of these is for the most part how much of the flood the server can take: the kernel drops what does not fit
// in the socket's buffer, whoever sent it.

import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

import { buildQuery } from '../test/support/packet-builder.ts'
import type { Contender } from './contenders.ts'
import { figureIn, run } from './measure.ts'

export interface Flooded {
  /** Of those who ask in earnest: the share that was answered. */
  readonly answeredShare: number
  /** Of the flood. */
  readonly sentPerSecond: number
  readonly answeredPerSecond: number
}

const floodPerSecond = 200_000
const earnestEveryMs = 20
const patienceMs = 2000
/** The flood has begun by then. */
const beforeMs = 500

/** `options`: of dnsperf, what the flood asks. */
export async function floodedBy(
  { port }: Contender,
  { seconds, options }: { readonly seconds: number; readonly options: readonly string[] },
): Promise<Flooded> {
  const fixed = ['-s', '127.0.0.1', '-p', String(port), '-l', String(seconds), '-t', '1']
  const load = ['-c', '50', '-q', '60000', '-Q', String(floodPerSecond)]
  const flooding = run('dnsperf', [...fixed, ...options, ...load], seconds + 30)
  await sleep(beforeMs)
  const answeredShare = await askInEarnest(port, seconds * 1000 - 2 * beforeMs)
  const printed = await flooding
  return {
    answeredShare,
    sentPerSecond:
      figureIn(printed, 'Queries sent') / figureIn(printed, String.raw`Run time \(s\)`),
    answeredPerSecond: figureIn(printed, 'Queries per second'),
  }
}

async function askInEarnest(port: number, forMs: number): Promise<number> {
  const asked: Promise<boolean>[] = []
  for (let i = 0; i < forMs / earnestEveryMs; i++) {
    asked.push(isAnswered(port, `127.0.1.${1 + (i % 250)}`, i))
    await sleep(earnestEveryMs)
  }
  const answered = await Promise.all(asked)
  return answered.filter(Boolean).length / answered.length
}

async function isAnswered(port: number, address: string, id: number): Promise<boolean> {
  const socket = createSocket('udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  const query = buildQuery({ name: 'plain.bench.test', id })
  try {
    const reply = once(socket, 'message', { signal: AbortSignal.timeout(patienceMs) })
    socket.send(query, port, '127.0.0.1')
    return await reply.then(
      () => true,
      () => false,
    )
  } finally {
    socket.close()
  }
}
