// Which UDP transport serves: `mmsg` where koffi loads and its calls work here, else `dgram`. A sandbox may forbid
// what the machine could do, so each call is made once.

import { Af } from './udp-layout.ts'
import { EAGAIN, type Libc, loadLibc, systemError } from './udp-libc.ts'

/** What the operator asks for. */
export type UdpSetting = 'auto' | 'mmsg' | 'dgram'

export type UdpTransport =
  | { readonly kind: 'mmsg'; readonly libc: Libc }
  | { readonly kind: 'dgram' }

type UdpChoice =
  | {
      readonly kind: 'chosen'
      readonly transport: UdpTransport
      /** Why it is not `mmsg`, where the choice was ours. */
      readonly fallback: string | null
    }
  | { readonly kind: 'unavailable'; readonly why: string }

export async function chooseUdp(
  setting: UdpSetting,
  load: () => Promise<Libc> = loadLibc,
): Promise<UdpChoice> {
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

function tryCalls(libc: Libc): void {
  const fd = libc.socket(Af.inet, datagram, 0)
  if (fd < 0) throw systemError('socket', libc.errno())
  try {
    // Reads nothing and sends nothing: what matters is that the kernel lets us.
    const headers = new Uint8Array(4096)
    const at = libc.addressOf(headers)
    if (libc.recvmmsg(fd, at, 1, dontWait, 0) >= 0 || libc.errno() !== EAGAIN)
      throw systemError('recvmmsg', libc.errno())
    if (libc.sendmmsg(fd, at, 0, dontWait) < 0) throw systemError('sendmmsg', libc.errno())
    if (libc.poll(at, 0, 0) < 0) throw systemError('poll', libc.errno())
  } finally {
    libc.close(fd)
  }
}
