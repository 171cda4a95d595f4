// A name server that is not ours, as Debian ships it: a process in the foreground on a free port of loopback, with
// configuration and zones in a folder of its own, and no way in but DNS. It dies with the test's process.

import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { dig } from './dig.ts'
import { freePort } from './free-ports.ts'
import { stopChild, temporaryFolder, watchChild } from './server.ts'
import { isListening, until } from './wait.ts'

export interface ForeignZone {
  /** With its final dot. */
  readonly apex: string
  /** As a master file. */
  readonly text: string
}

export interface ForeignServer {
  readonly port: number
  stop(): Promise<void>
}

export interface PlacedZone {
  readonly apex: string
  readonly file: string
}

export interface Place {
  readonly folder: string
  readonly port: number
  readonly zones: readonly PlacedZone[]
}

export interface Program {
  readonly command: string
  arguments(configurationFile: string): readonly string[]
  configuration(place: Place): string
}

/** Debian keeps servers where a user's PATH does not look. */
export const foreignPath: string = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`

/** Runs once every zone's SOA is answered with authority: none was left out without a word. Without zones: once it listens. */
export async function startForeign(
  program: Program,
  zones: readonly ForeignZone[],
): Promise<ForeignServer> {
  const folder = temporaryFolder()
  const port = await freePort()
  mkdirSync(join(folder, 'zones'))
  const placed = zones.map(({ apex, text }, i) => {
    const file = join(folder, 'zones', `${i}.zone`)
    writeFileSync(file, text)
    return { apex, file }
  })
  const configuration = join(folder, 'server.conf')
  writeFileSync(configuration, program.configuration({ folder, port, zones: placed }))
  const child = watchChild(
    spawn(program.command, program.arguments(configuration), {
      cwd: folder,
      env: { ...process.env, PATH: foreignPath },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  )
  const stop = async (): Promise<void> => {
    await stopChild(child, 10_000)
  }
  try {
    await until(() => isListening('127.0.0.1', port), {
      what: `${program.command} listens`,
      withinMs: 60_000,
    })
    for (const { apex } of zones) {
      await until(() => isServed(port, apex), {
        what: `${program.command} serves ${apex}`,
        withinMs: 60_000,
        everyMs: 50,
      })
    }
  } catch (error) {
    await stop()
    throw new Error(`${String(error)}\n${child.stderr()}${child.stdout()}`, { cause: error })
  }
  return { port, stop }
}

async function isServed(port: number, apex: string): Promise<boolean> {
  try {
    const { status, flags } = await dig(port, apex, 'SOA')
    return status === 'NOERROR' && flags.has('aa')
  } catch {
    return false
  }
}
