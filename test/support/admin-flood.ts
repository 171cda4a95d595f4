// A client of the admin server that takes all it gets, as a program of its own, so that it takes no time of the test's
// process: `node test/support/admin-flood.ts PORT explain|half-open|views`. It goes on until it is ended.

import { connect, type Socket } from 'node:net'

const [portText = '', kind = ''] = process.argv.slice(2)
const port = Number(portText)

const head = 'Host: localhost\r\n\r\n'
const pipelined = (path: string): Buffer => {
  const request = `GET ${path} HTTP/1.1\r\n${head}`
  return Buffer.from(request.repeat(Math.ceil(65_536 / request.length)))
}

interface Flood {
  readonly connections: number
  /** Sent as fast as it is read. */
  readonly octets: Buffer
  /** Connects again at once, without waiting until the server closes. */
  readonly isRestless: boolean
}

const floods: Readonly<Record<string, Flood>> = {
  explain: {
    connections: 40,
    octets: pipelined('/explain?name=smtp.example.test&type=MX&client=198.51.100.7'),
    isRestless: false,
  },
  views: { connections: 40, octets: pipelined('/metrics'), isRestless: false },
  'half-open': {
    connections: 64,
    octets: Buffer.from('GET /livez HTTP/1.1\r\nx-half'),
    isRestless: true,
  },
}

const flood = floods[kind]
if (!(port > 0) || flood === undefined) throw new Error('give a port and a kind')

function open({ octets, isRestless }: Flood): void {
  const socket: Socket = connect({ host: '127.0.0.1', port })
  const again = (): void => void setTimeout(() => flood && open(flood), isRestless ? 0 : 20)
  socket.on('error', () => {})
  socket.once('close', again)
  socket.resume()
  socket.once('connect', () => {
    if (isRestless) socket.write(octets)
    else pour(socket, octets)
  })
  if (isRestless) setTimeout(() => socket.destroy(), 200)
}

function pour(socket: Socket, octets: Buffer): void {
  const write = (): void => {
    while (!socket.destroyed && socket.write(octets));
  }
  socket.on('drain', write)
  write()
}

for (let i = 0; i < flood.connections; i++) open(flood)
