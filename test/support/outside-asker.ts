// Asks a server over UDP at a steady rate until a file is there, from whatever namespace it is run in:
//
//   node test/support/outside-asker.ts ADDRESS NAME STOP-FILE
//
// prints `{ asked, unanswered }` at the end. A question is given up after five seconds.

import { createSocket } from 'node:dgram'
import { existsSync } from 'node:fs'

import { encodeQuestion } from './dns-client.ts'
import { pause } from './wait.ts'

const [address = '', name = '', stopFile = ''] = process.argv.slice(2)
const [everyMs, withinMs, sockets] = [5, 5000, 8]
const isResponse = 0x80

const open = new Map<number, () => void>()
let [asked, unanswered] = [0, 0]
const clients = Array.from({ length: sockets }, () => {
  const client = createSocket('udp4')
  client.on('message', (message) => {
    if (((message[2] ?? 0) & isResponse) !== 0) open.get(message.readUInt16BE(0))?.()
  })
  return client
})

function ask(): void {
  const id = asked++ & 0xffff
  const givenUp = setTimeout(() => {
    unanswered++
    open.delete(id)
  }, withinMs)
  open.set(id, () => {
    clearTimeout(givenUp)
    open.delete(id)
  })
  clients[id % sockets]?.send(encodeQuestion(name, 'MX', id), 53, address)
}

const asking = setInterval(ask, everyMs)
while (!existsSync(stopFile)) await pause(20)
clearInterval(asking)
while (open.size > 0) await pause(20)
for (const client of clients) client.close()
console.log(JSON.stringify({ asked, unanswered }))
