// The targets of bench/probe-scale.ts, in a process of their own: two listeners on every loopback address, one that
// speaks SMTP and one that never says a word. Prints how many sessions each had, when asked by SIGUSR2.

import { type Server, type Socket, createServer } from 'node:net'

const [livePort = 0, mutePort = 0] = process.argv.slice(2).map(Number)
const sessions = { live: 0, mute: 0 }

const live = createServer({ noDelay: true }, (socket) => {
  sessions.live++
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
})

function answer(socket: Socket, verb: string): void {
  if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n')
  else socket.write('250-mx.example.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n')
}

const mute = createServer((socket) => {
  sessions.mute++
  socket.on('error', () => {})
  socket.resume()
})

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve) => {
    server.listen({ host: '0.0.0.0', port, backlog: 4096 }, resolve)
  })

process.on('SIGUSR2', () => console.log(JSON.stringify(sessions)))
await Promise.all([listen(live, livePort), listen(mute, mutePort)])
console.log('ready')
