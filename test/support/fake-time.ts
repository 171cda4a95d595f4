// A process whose wall clock is not the machine's: libfaketime (Debian's faketime) under it, and a file that says by how
// much. Monotonic clocks, and with them all timers, stay as they are.

import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { type Surroundings, temporaryFolder } from './server.ts'

export interface FakeTime {
  readonly surroundings: Surroundings
  /** Seen within a second. */
  shift(seconds: number): void
}

export function createFakeTime(): FakeTime {
  const file = join(temporaryFolder(), 'offset')
  const shift = (seconds: number): void =>
    writeFileSync(file, `${seconds < 0 ? '' : '+'}${seconds}\n`)
  shift(0)
  const env = {
    LD_PRELOAD: findLibrary(),
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  }
  return { surroundings: { env }, shift }
}

function findLibrary(): string {
  const found = readdirSync('/usr/lib')
    .map((folder) => join('/usr/lib', folder, 'faketime/libfaketimeMT.so.1'))
    .find((path) => existsSync(path))
  if (!found) throw new Error("there is no libfaketimeMT.so.1: install Debian's faketime")
  return found
}
