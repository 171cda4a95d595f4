// A datagram to the supervisor's socket, as sd_notify(3) sends it. Node has no datagram sockets of the Unix domain, so
// that it goes through the C library (koffi), as UDP by mmsg does; a process of `systemd-notify` for each word would not
// be believed where only the main process is (NotifyAccess=main), and a watchdog is fed all day.
// One socket for each datagram: whoever listens may be started anew. It never waits: what finds the queue full is lost.

import { getSystemErrorName } from 'node:util'

/** null: it was sent; else why not, as an errno or a text. */
export type SendWords = (words: readonly string[]) => string | null

const AF_UNIX = 1
const SOCK_DGRAM = 2
const SOCK_CLOEXEC = 0o2000000
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const familyOctets = 2
/** sun_path of Linux. */
const longestPath = 108

/** Rejects where koffi or a call is missing, or with a place that is none. */
export async function openNotifySocket(place: string): Promise<SendWords> {
  const address = socketAddress(place)
  if (address === null) throw new Error('NOTIFY_SOCKET is no path of a socket')
  if (process.platform !== 'linux') throw new Error(`not on ${process.platform}`)
  const { default: koffi } = await import('koffi')
  const library = koffi.load(null)
  const octets = 'const uint8_t *'
  const socket = library.func('socket', 'int', ['int', 'int', 'int'])
  const sendto = library.func('sendto', 'int64_t', [
    'int',
    octets,
    'uint64_t',
    'int',
    octets,
    'uint32_t',
  ])
  const close = library.func('close', 'int', ['int'])
  const nameOfError = (): string => getSystemErrorName(-koffi.errno())
  return (words) => {
    const message = Buffer.from(`${words.join('\n')}\n`)
    const fd = Number(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0))
    if (fd < 0) return nameOfError()
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL
    const sent = Number(sendto(fd, message, message.length, flags, address, address.length))
    const why = sent === message.length ? null : nameOfError()
    close(fd)
    return why
  }
}

/** A path, or `@` and a name in the abstract namespace; null: neither. */
export function socketAddress(place: string): Uint8Array | null {
  const path = Buffer.from(place)
  if (!/^[/@]./.test(place) || path.length >= longestPath || path.includes(0)) return null
  const isAbstract = place.startsWith('@')
  if (isAbstract) path[0] = 0
  // The zero that ends a path is part of it; an abstract name is as long as it is told to be.
  const address = Buffer.alloc(familyOctets + path.length + (isAbstract ? 0 : 1))
  const isLittle = new Uint8Array(new Uint16Array([AF_UNIX]).buffer)[0] === AF_UNIX
  address[isLittle ? 0 : 1] = AF_UNIX
  address.set(path, familyOctets)
  return address
}
