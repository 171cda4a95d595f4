// A DNS client of bench/probe-scale.ts, in a process of its own: one question every few milliseconds for some seconds,
// then one line of JSON: how many were answered, and how long that took.
// `typical99` is the median over all seconds of each second's p99: what others do on the machine moves it less.

import { createSocket } from 'node:dgram'

import { encodeQuestion } from '../test/support/dns-client.ts'

const everyMs = 5
const [portText = '', name = '', secondsText = ''] = process.argv.slice(2)
const untilMs = performance.now() + Number(secondsText) * 1000
const socket = createSocket('udp4')
const asked = new Map<number, number>()
const tookMs: number[] = []
const bySecond = new Map<number, number[]>()
let sent = 0

socket.on('message', (reply) => {
  const id = reply.readUInt16BE(0)
  const at = asked.get(id)
  if (at === undefined) return
  asked.delete(id)
  const took = performance.now() - at
  tookMs.push(took)
  const second = Math.floor(at / 1000)
  bySecond.set(second, [...(bySecond.get(second) ?? []), took])
})

const timer = setInterval(() => {
  if (performance.now() > untilMs) {
    clearInterval(timer)
    setTimeout(report, 1000)
    return
  }
  const id = ++sent & 0xffff
  const question = encodeQuestion(name, 'MX', id)
  asked.set(id, performance.now())
  socket.send(question, Number(portText), '127.0.0.1')
}, everyMs)

function report(): void {
  socket.close()
  const typical99 = at(
    [...bySecond.values()].map((times) => at(times, 0.99)),
    0.5,
  )
  const [p50, p99] = [at(tookMs, 0.5), at(tookMs, 0.99)]
  console.log(JSON.stringify({ sent, answered: tookMs.length, p50, p99, typical99 }))
}

function at(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? NaN
}
