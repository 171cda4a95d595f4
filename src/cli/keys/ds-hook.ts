// A program of the operator's that changes the DS at the parent, such as by nsupdate or a registry's interface. It is run without a
// shell and without arguments: what it is to know is in its environment, so that no name of a zone can become a command.
//
// ZONE: with its final dot; DS: the records that the parent is to have, a line each; OLD_DS: those that it is no longer to have.

import { execFile } from 'node:child_process'

import type { PublicZoneKey } from '../../dnssec/key-file.ts'
import { nameToText } from '../../wire/name.ts'
import { dsLine } from './key-command.ts'

const hookTimeoutMs = 300_000

/** Of what it prints the last lines are shown if it fails. */
const maxShown = 1000

/**
 * Resolves to null after exit code 0, else to what went wrong. It may be run again for the same DS: until every name server of the
 * parent has it. `before`: one key at least where `wanted` is empty.
 */
export function runDsHook(
  command: string,
  wanted: readonly PublicZoneKey[],
  before: readonly PublicZoneKey[],
): Promise<string | null> {
  const [first] = [...wanted, ...before]
  const zone = first === undefined ? '' : nameToText(first.zone)
  const env = { ...process.env, ZONE: zone, DS: linesOf(wanted), OLD_DS: linesOf(before) }
  const options = { env, timeout: hookTimeoutMs, killSignal: 'SIGKILL' } as const
  return new Promise((resolve) => {
    const child = execFile(command, [], options, (error, stdout, stderr) => {
      if (!error) return resolve(null)
      const { code } = error
      const why = error.killed
        ? `not done within ${hookTimeoutMs / 1000} s, or it printed too much`
        : `exit ${code ?? 'unknown'}`
      const said = `${stdout}${stderr}`.trim().slice(-maxShown)
      resolve(said === '' ? why : `${why}\n${said}`)
    })
    child.stdin?.end()
  })
}

const linesOf = (keys: readonly PublicZoneKey[]): string =>
  keys.map((key) => dsLine(key, 2)).join('\n')
