// Descriptors from one process to another, by SCM_RIGHTS (unix(7)).
//
// They travel as datagrams to a socket that the receiver has bound in its own folder, so that both ends are descriptors
// whose numbers we know: those of Node's own streams it does not tell. The kernel makes the copies while it sends.
//
//   struct msghdr   0 name*  8 namelen u32  16 iov*  24 iovlen u64  32 control*  40 controllen u64  48 flags i32   56
//   struct cmsghdr  0 len u64  8 level i32  12 type i32  16 descriptors i32…

import { unlinkSync } from 'node:fs'

import { unixSocketAddress } from '../systemd/notifier.ts'
import { EAGAIN, type Libc, systemError } from '../transport/udp/udp-libc.ts'

/** The kernel passes 253 in one message (SCM_MAX_FD), and queues ten messages at least. */
const perMessage = 250
const maxMessages = 10

/** The most descriptors that can be passed. */
export const maxDescriptors: number = perMessage * maxMessages

const unixDatagramCloexec = 2 | 0o2000000
const unix = 1
const [dontWait, noSignal, closeOnExec] = [0x40, 0x4000, 0x40000000]
const [socketLevel, rights] = [1, 1]
const truncatedControl = 8
const at = { header: 0, iovec: 64, payload: 80, name: 96, control: 256, end: 4096 } as const
const controlHeaderOctets = 16

/** The memory of one message; to be referenced for as long as C may use it. */
class MessageMemory {
  readonly octets: Uint8Array = new Uint8Array(at.end)
  readonly view: DataView = new DataView(this.octets.buffer)
  readonly address: number

  constructor(libc: Libc) {
    this.address = libc.addressOf(this.octets)
    const [iovec, payload, control] = [at.iovec, at.payload, at.control].map((offset) =>
      BigInt(this.address + offset),
    ) as [bigint, bigint, bigint]
    this.view.setBigUint64(at.header + 16, iovec, true)
    this.view.setBigUint64(at.header + 24, 1n, true)
    this.view.setBigUint64(at.header + 32, control, true)
    this.view.setBigUint64(at.iovec, payload, true)
    this.view.setBigUint64(at.iovec + 8, 1n, true)
  }

  setControlOctets(octets: number): void {
    this.view.setBigUint64(at.header + 40, BigInt(octets), true)
  }
}

const openUnixSocket = (libc: Libc): number => {
  const fd = libc.socket(unix, unixDatagramCloexec, 0)
  if (fd < 0) throw systemError('socket', libc.errno())
  return fd
}

/** Sends copies of descriptors to the socket at `path`, at most `maxDescriptors`. Throws the errno; never waits. */
export function sendDescriptors(libc: Libc, path: string, fds: readonly number[]): void {
  const address = unixSocketAddress(path)
  if (address === null) throw new Error(`no path of a socket: ${path}`)
  const socket = openUnixSocket(libc)
  try {
    for (let first = 0; first < fds.length; first += perMessage)
      sendOne(libc, socket, address, fds.slice(first, first + perMessage))
  } finally {
    libc.close(socket)
  }
}

function sendOne(libc: Libc, socket: number, address: Uint8Array, fds: readonly number[]): void {
  const memory = new MessageMemory(libc)
  const { octets, view } = memory
  octets.set(address, at.name)
  view.setBigUint64(at.header, BigInt(memory.address + at.name), true)
  view.setUint32(at.header + 8, address.length, true)
  const controlOctets = controlHeaderOctets + 4 * fds.length
  view.setBigUint64(at.control, BigInt(controlOctets), true)
  view.setInt32(at.control + 8, socketLevel, true)
  view.setInt32(at.control + 12, rights, true)
  for (const [i, fd] of fds.entries())
    view.setInt32(at.control + controlHeaderOctets + 4 * i, fd, true)
  memory.setControlOctets((controlOctets + 7) & ~7)
  if (libc.sendmsg(socket, memory.address, dontWait | noSignal) < 0)
    throw systemError('sendmsg', libc.errno())
}

export interface DescriptorInbox {
  /** Every descriptor that has come since the last call. Never waits. Throws the errno. */
  receive(): readonly number[]
  /** Closes the socket and removes it from its folder. */
  close(): void
}

/** Binds a socket at `path` that takes descriptors from processes of the same user. Throws the errno. */
export function openInbox(libc: Libc, path: string): DescriptorInbox {
  const address = unixSocketAddress(path)
  if (address === null) throw new Error(`no path of a socket: ${path}`)
  const socket = openUnixSocket(libc)
  // What an earlier process left there.
  removeFile(path)
  const before = process.umask(0o177)
  const bound = libc.bind(socket, address, address.length)
  const errno = libc.errno()
  process.umask(before)
  if (bound !== 0) {
    libc.close(socket)
    throw systemError('bind', errno)
  }
  return {
    receive: () => receiveAll(libc, socket),
    close() {
      libc.close(socket)
      removeFile(path)
    },
  }
}

function receiveAll(libc: Libc, socket: number): readonly number[] {
  const fds: number[] = []
  for (let messages = 0; messages < maxMessages; messages++) {
    const memory = new MessageMemory(libc)
    memory.setControlOctets(at.end - at.control)
    if (libc.recvmsg(socket, memory.address, dontWait | closeOnExec) < 0) {
      const errno = libc.errno()
      if (errno === EAGAIN) break
      throw systemError('recvmsg', errno)
    }
    fds.push(...descriptorsIn(memory.view))
  }
  return fds
}

function descriptorsIn(view: DataView): readonly number[] {
  const controlOctets = Number(view.getBigUint64(at.header + 40, true))
  const isRights =
    controlOctets >= controlHeaderOctets &&
    view.getInt32(at.control + 8, true) === socketLevel &&
    view.getInt32(at.control + 12, true) === rights
  if (!isRights || (view.getInt32(at.header + 48, true) & truncatedControl) !== 0) return []
  const count = (Number(view.getBigUint64(at.control, true)) - controlHeaderOctets) >> 2
  return Array.from({ length: count }, (_, i) =>
    view.getInt32(at.control + controlHeaderOctets + 4 * i, true),
  )
}

function removeFile(path: string): void {
  try {
    unlinkSync(path)
  } catch {
    // It is not there.
  }
}
