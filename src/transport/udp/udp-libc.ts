// The functions of the C library that UDP by mmsg and the handing over of sockets use, called through koffi.
//
// An address is a number here and does not keep memory alive: a caller that passes memory by address must reference it
// for as long as C may use it. Option numbers and the layouts of structures (udp-layout.ts) are those of Linux on
// 64-bit little-endian machines; elsewhere loading fails, and node:dgram is used instead.

import { constants, endianness } from 'node:os'
import { getSystemErrorName } from 'node:util'

/** Results are those of the C functions: -1 for a failure, with the cause in `errno`. */
export interface Libc {
  socket(family: number, type: number, protocol: number): number
  bind(fd: number, address: Uint8Array, octets: number): number
  close(fd: number): number
  setsockopt(fd: number, level: number, name: number, value: Uint8Array, octets: number): number
  /** `length`: a 32-bit little-endian integer, read and written. */
  getsockopt(fd: number, level: number, name: number, value: Uint8Array, length: Uint8Array): number
  /** `length`: a 32-bit little-endian integer, read and written. */
  getsockname(fd: number, address: Uint8Array, length: Uint8Array): number
  fcntl(fd: number, command: number, argument: number): number
  sendmsg(fd: number, headerAt: number, flags: number): number
  recvmsg(fd: number, headerAt: number, flags: number): number
  poll(fdsAt: number, count: number, timeoutMs: number): number
  eventfd(initial: number, flags: number): number
  read(fd: number, octets: Uint8Array, count: number): number
  write(fd: number, octets: Uint8Array, count: number): number
  recvmmsg(fd: number, headersAt: number, count: number, flags: number, timeoutAt: number): number
  sendmmsg(fd: number, headersAt: number, count: number, flags: number): number
  /** The errno of the last call of this thread; to be read before any other call. */
  errno(): number
  /**
   * The address of memory, which must be longer than 64 octets: V8 keeps shorter arrays inside its heap and moves them.
   */
  addressOf(memory: Uint8Array): number
}

/** Architectures on which Linux uses the generic option numbers. */
const machines: readonly string[] = ['x64', 'arm64', 'riscv64', 'loong64']

/** Rejects on other platforms, and where koffi or a function is missing. */
export async function loadLibc(): Promise<Libc> {
  if (process.platform !== 'linux') throw new Error(`not on ${process.platform}`)
  if (!machines.includes(process.arch) || endianness() !== 'LE')
    throw new Error(`not on ${process.arch}`)
  const { default: koffi } = await import('koffi')
  const library = koffi.load(null)
  return {
    socket: library.func('socket', 'int', ['int', 'int', 'int']),
    bind: library.func('bind', 'int', ['int', 'const uint8_t *', 'uint32_t']),
    close: library.func('close', 'int', ['int']),
    setsockopt: library.func('setsockopt', 'int', [
      'int',
      'int',
      'int',
      'const uint8_t *',
      'uint32_t',
    ]),
    getsockopt: library.func('getsockopt', 'int', ['int', 'int', 'int', 'uint8_t *', 'uint8_t *']),
    getsockname: library.func('getsockname', 'int', ['int', 'uint8_t *', 'uint8_t *']),
    // Variadic in C; on the machines above an int is passed the same way.
    fcntl: library.func('fcntl', 'int', ['int', 'int', 'int']),
    sendmsg: library.func('sendmsg', 'int64_t', ['int', 'uint64_t', 'int']),
    recvmsg: library.func('recvmsg', 'int64_t', ['int', 'uint64_t', 'int']),
    poll: library.func('poll', 'int', ['uint64_t', 'uint64_t', 'int']),
    eventfd: library.func('eventfd', 'int', ['uint32_t', 'int']),
    read: library.func('read', 'int64_t', ['int', 'uint8_t *', 'uint64_t']),
    write: library.func('write', 'int64_t', ['int', 'const uint8_t *', 'uint64_t']),
    recvmmsg: library.func('recvmmsg', 'int', ['int', 'uint64_t', 'uint32_t', 'int', 'uint64_t']),
    sendmmsg: library.func('sendmmsg', 'int', ['int', 'uint64_t', 'uint32_t', 'int']),
    errno: () => koffi.errno(),
    addressOf: (memory) => Number(koffi.address(memory)),
  }
}

const [getFlags, setFlags, duplicateCloexec, setDescriptorFlags] = [3, 4, 1030, 2]
const nonblocking = 0o4000
const closeOnExec = 1

/** Has receive calls on the socket wait, also where a process before this one has set it not to. Throws the errno. */
export function makeBlocking(libc: Libc, fd: number): void {
  const flags = libc.fcntl(fd, getFlags, 0)
  if (flags < 0 || libc.fcntl(fd, setFlags, flags & ~nonblocking) < 0)
    throw systemError('fcntl', libc.errno())
}

/** Another descriptor of the same socket, not inherited by programs that are started. Throws the errno. */
export function duplicate(libc: Libc, fd: number): number {
  const copy = libc.fcntl(fd, duplicateCloexec, 0)
  if (copy < 0) throw systemError('fcntl', libc.errno())
  return copy
}

/** Keeps a descriptor from programs that are started. Throws the errno, EBADF if there is no such descriptor. */
export function keepFromChildren(libc: Libc, fd: number): void {
  if (libc.fcntl(fd, setDescriptorFlags, closeOnExec) < 0) throw systemError('fcntl', libc.errno())
}

export const EAGAIN: number = constants.errno.EAGAIN
export const EINTR: number = constants.errno.EINTR

/** An Error for a failed call, with a `code` such as EADDRINUSE. */
export function systemError(call: string, errno: number): Error {
  const code = getSystemErrorName(-errno)
  return Object.assign(new Error(`${call}: ${code}`), { code })
}
