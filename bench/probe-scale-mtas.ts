// The targets of bench/probe-scale.ts, in a process of their own: listeners on every loopback address, one that speaks
// SMTP, one that never says a word, one that resets the connection for ten of twenty seconds, other ones at each
// address.

import { type Server, type Socket, createServer } from 'node:net'

const [livePort = 0, mutePort = 0, flappingPort = 0] = process.argv.slice(2).map(Number)
const spellMs = 10_000

const live = createServer({ noDelay: true }, greet)

const mute = createServer((socket) => {
  socket.on('error', () => {})
  socket.resume()
})

const flapping = createServer({ noDelay: true }, (socket) => {
  const phaseMs = (Number(socket.localAddress?.split('.').at(-1)) % 16) * 1250
  const isWell = Math.floor((performance.now() + phaseMs) / spellMs) % 2 === 0
  if (isWell) greet(socket)
  else socket.resetAndDestroy()
})

function greet(socket: Socket): void {
  socket.on('error', () => {})
  socket.write('220 mx.example.test ESMTP\r\n')
  let line = ''
  socket.on('data', (octets: Buffer) => {
    line += octets.toString('latin1')
    for (let end = line.indexOf('\r\n'); end >= 0; end = line.indexOf('\r\n')) {
      answer(socket, line.slice(0, 4).toUpperCase())
      line = line.slice(end + 2)
    }
  })
}

function answer(socket: Socket, verb: string): void {
  if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n')
  else socket.write('250-mx.example.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n')
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve) => {
    server.listen({ host: '0.0.0.0', port, backlog: 4096 }, resolve)
  })

await Promise.all([listen(live, livePort), listen(mute, mutePort), listen(flapping, flappingPort)])
console.log('ready')
