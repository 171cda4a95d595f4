// The UDP transport to use: `mmsg` where koffi can be loaded and its system calls work, else `dgram`. A sandbox may
// forbid a system call that the machine supports, so each is tried once.

import { Af } from './udp-layout.ts'
import { EAGAIN, type Libc, loadLibc, systemError } from './udp-libc.ts'
import { openWakeup } from './udp-socket.ts'

/** The operator's setting; `auto`: mmsg if it works. */
export type UdpSetting = 'auto' | 'mmsg' | 'dgram'

export type UdpTransport =
  | { readonly kind: 'mmsg'; readonly libc: Libc }
  | { readonly kind: 'dgram' }

type UdpDetection =
  | {
      readonly kind: 'chosen'
      readonly transport: UdpTransport
      /** With `auto`: why `mmsg` does not work here; else null. */
      readonly fallback: string | null
    }
  | { readonly kind: 'unavailable'; readonly why: string }

/** `unavailable`: the operator requires `mmsg`, which does not work here. Never rejects. */
export async function detectUdpTransport(
  setting: UdpSetting,
  load: () => Promise<Libc> = loadLibc,
): Promise<UdpDetection> {
  if (setting === 'dgram') return { kind: 'chosen', transport: { kind: 'dgram' }, fallback: null }
  try {
    const libc = await load()
    tryCalls(libc)
    return { kind: 'chosen', transport: { kind: 'mmsg', libc }, fallback: null }
  } catch (error) {
    const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
    if (setting === 'mmsg') return { kind: 'unavailable', why }
    return { kind: 'chosen', transport: { kind: 'dgram' }, fallback: why }
  }
}

const datagram = 2
const dontWait = 0x40

/** Throws the errno of the first system call that does not work. */
function tryCalls(libc: Libc): void {
  const fd = libc.socket(Af.inet, datagram, 0)
  if (fd < 0) throw systemError('socket', libc.errno())
  try {
    // Nothing is received or sent: only whether the calls are permitted matters.
    const headers = new Uint8Array(4096)
    const at = libc.addressOf(headers)
    if (libc.recvmmsg(fd, at, 1, dontWait, 0) >= 0 || libc.errno() !== EAGAIN)
      throw systemError('recvmmsg', libc.errno())
    if (libc.sendmmsg(fd, at, 0, dontWait) < 0) throw systemError('sendmmsg', libc.errno())
    if (libc.poll(at, 0, 0) < 0) throw systemError('poll', libc.errno())
    libc.close(openWakeup(libc))
  } finally {
    libc.close(fd)
  }
}
