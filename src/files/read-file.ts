// Reading a file whole, where no other process decides how long it takes or how much it is: regular
// files alone, up to a size, within a time. Paths are followed through symbolic links, as mounts of
// Kubernetes need it.
//
// Opening a pipe or a device may wait for ever or do something to it, so that what a path leads to
// is looked at before it is opened, and once more when it is open. The size that a file states is
// not relied on: files of /proc state 0, and others grow while they are read.
//
// A file system that does not answer (a network one whose server is gone) keeps the thread of Node's
// pool that asks it, and there are four: a path that hangs is not asked for again until it answers.

import { constants, type Stats } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'

export type FileRead =
  | {
      readonly kind: 'octets'
      readonly octets: Buffer
      /** When the file was last written, in milliseconds since 1970. */
      readonly changedMs: number
      /** Its permission bits, such as 0o640. */
      readonly mode: number
      /** false: it was written while it was read. */
      readonly isWhole: boolean
    }
  | FileFailure

export type FileFailure =
  | { readonly kind: 'missing' }
  | { readonly kind: 'not-regular'; readonly what: 'folder' | 'pipe' | 'socket' | 'device' }
  /** `octets`: its size, or how much of it was read. */
  | { readonly kind: 'too-large'; readonly octets: number; readonly maxOctets: number }
  /** `code`: such as EACCES. */
  | { readonly kind: 'unreadable'; readonly code: string }
  | { readonly kind: 'hanging'; readonly withinMs: number }

interface ReadLimits {
  readonly maxOctets: number
  /** Milliseconds until a read counts as hanging; 10 s by default. */
  readonly withinMs?: number
}

const defaultWithinMs = 10_000

/** Never rejects: every failure is a value. */
export const readRegularFile = (
  path: string,
  { maxOctets, withinMs = defaultWithinMs }: ReadLimits,
): Promise<FileRead> => unlessHanging(path, withinMs, () => read(path, maxOctets).catch(failureOf))

/** Operations that have not answered in time, by path; each ends when its file system answers. */
const hanging = new Set<string>()

/**
 * The result of `operation` on `path`; `hanging` where it takes longer than `withinMs`, or where an
 * earlier operation on this path still hangs. It has to end in a value: a rejection is a bug.
 */
export async function unlessHanging<Result>(
  path: string,
  withinMs: number,
  operation: () => Promise<Result>,
): Promise<Result | Extract<FileFailure, { kind: 'hanging' }>> {
  if (hanging.has(path)) return { kind: 'hanging', withinMs }
  let overdue: NodeJS.Timeout | undefined
  const running = operation().finally(() => {
    clearTimeout(overdue)
    hanging.delete(path)
  })
  const late = new Promise<Extract<FileFailure, { kind: 'hanging' }>>((resolve) => {
    overdue = setTimeout(() => {
      hanging.add(path)
      resolve({ kind: 'hanging', withinMs })
    }, withinMs)
  })
  return Promise.race([running, late])
}

export type PathFound = 'nothing' | 'folder' | 'other' | 'hanging'

/** What a path that a person wrote leads to; never rejects. */
export async function lookAtPath(path: string): Promise<PathFound> {
  const found = await unlessHanging(path, defaultWithinMs, () => stat(path).catch(() => null))
  if (found === null) return 'nothing'
  if (!('isDirectory' in found)) return 'hanging'
  return found.isDirectory() ? 'folder' : 'other'
}

async function read(path: string, maxOctets: number): Promise<FileRead> {
  const found = refusalOf(await stat(path), maxOctets)
  if (found) return found
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  try {
    const before = await handle.stat()
    const refused = refusalOf(before, maxOctets)
    if (refused) return refused
    const octets = await readOctets(handle, before.size, maxOctets)
    if (octets.length > maxOctets) return { kind: 'too-large', octets: octets.length, maxOctets }
    const after = await handle.stat()
    const isWhole = after.mtimeMs === before.mtimeMs && after.size === before.size
    return { kind: 'octets', octets, changedMs: after.mtimeMs, mode: after.mode & 0o777, isWhole }
  } finally {
    await handle.close()
  }
}

/** null: the file can be read. */
function refusalOf(stats: Stats, maxOctets: number): FileFailure | null {
  if (!stats.isFile()) return { kind: 'not-regular', what: whatIs(stats) }
  return stats.size > maxOctets ? { kind: 'too-large', octets: stats.size, maxOctets } : null
}

function whatIs(stats: Stats): 'folder' | 'pipe' | 'socket' | 'device' {
  if (stats.isDirectory()) return 'folder'
  if (stats.isFIFO()) return 'pipe'
  return stats.isSocket() ? 'socket' : 'device'
}

const leastRoom = 4096

/** Up to `maxOctets` and one more, which says that there are too many. */
async function readOctets(handle: FileHandle, size: number, maxOctets: number): Promise<Buffer> {
  let room = Buffer.alloc(Math.min(Math.max(size, leastRoom), maxOctets) + 1)
  let length = 0
  for (;;) {
    const { bytesRead } = await handle.read(room, length, room.length - length, length)
    length += bytesRead
    if (bytesRead === 0 || length > maxOctets) return room.subarray(0, length)
    if (length === room.length) {
      const larger = Buffer.alloc(Math.min(2 * length, maxOctets + 1))
      room.copy(larger)
      room = larger
    }
  }
}

/** The failure that an exception of node:fs means. */
export function failureOf(error: unknown): FileFailure {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT') return { kind: 'missing' }
  return { kind: 'unreadable', code: code ?? String(error) }
}

/** What is wrong with a file, as the second half of a sentence: `it does not exist`. */
export function describeFailure(failure: FileFailure): string {
  switch (failure.kind) {
    case 'missing':
      return 'it does not exist'
    case 'not-regular':
      return failure.what === 'pipe'
        ? 'it is a pipe, such as a shell makes of <(…), expected a regular file'
        : `it is a ${failure.what}, expected a regular file`
    case 'too-large':
      return `it has at least ${failure.octets} octets, expected at most ${failure.maxOctets}`
    case 'unreadable':
      return reasons.get(failure.code) ?? failure.code
    case 'hanging':
      return `its file system has not answered for ${failure.withinMs / 1000} s`
    default:
      return failure satisfies never
  }
}

const reasons: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'permission denied'],
  ['ENOTDIR', 'a part of its path is no folder'],
  ['ELOOP', 'its symbolic links lead in a circle'],
])
