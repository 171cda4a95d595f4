// What the zones of a folder have to do with each other: each is in one file, and a host has one name.

import type { CompiledTarget } from '../zone/compile/compile.ts'
import type { Problem } from '../zone/compile/problem.ts'

/** `digest`: of what it contains. */
export const zoneNameOf = ({
  name,
  file,
  digest: hash,
  zone: { serial },
}: Pick<LoadedZoneName, 'name' | 'file'> & {
  readonly digest: string
  readonly zone: { readonly serial: number }
}): LoadedZoneName => ({ name, serial, file, hash })

/** Of the files that have been read; each file adds its own. */
export interface LoadedZoneName {
  /** Without the final dot. */
  readonly name: string
  /** Of its contents. */
  readonly serial: number
  /** Name of its file in the folder. */
  readonly file: string
  /** Of what it contains (`digestZone`): equal on all instances that serve the same. */
  readonly hash: string
}

export interface ZonesBefore {
  /** File by the name of its zone. */
  readonly files: Map<string, string>
  /** The first target that has an address, by address. */
  readonly targets: Map<string, { readonly zone: string; readonly target: string }>
}

interface ZoneFound {
  /** Without final dot, in lower case. */
  readonly name: string
  readonly file: string
  readonly targets: readonly CompiledTarget[]
}

/** Compares a zone with those before, and adds it to them. */
export const checkOtherZones = (before: ZonesBefore, zone: ZoneFound): readonly Problem[] => [
  ...checkFiles(before, zone),
  ...zone.targets.flatMap((target) => checkAddresses(before, zone.name, target)),
]

function checkFiles({ files }: ZonesBefore, { name, file }: ZoneFound): readonly Problem[] {
  const other = files.get(name)
  if (other === undefined) {
    files.set(name, file)
    return []
  }
  const message = `the zone ${name} is in ${other} too, expected it in one file`
  return [{ severity: 'error', code: 'duplicate-zone', path: ['zone'], at: 'value', message }]
}

/**
 * Warns of an address that a target of another zone has under another name: it may be meant for another host. The same name
 * says that the same host is meant.
 */
function checkAddresses(
  { targets }: ZonesBefore,
  zone: string,
  { target: { name, addresses } }: CompiledTarget,
): readonly Problem[] {
  return addresses.flatMap(({ text }): readonly Problem[] => {
    const other = targets.get(text)
    if (other === undefined) targets.set(text, { zone, target: name })
    if (!other || other.zone === zone || other.target.toLowerCase() === name.toLowerCase())
      return []
    const message = `${text} is target ${other.target} in ${other.zone}: expected the same name for the same host, so that an override is not of one of them alone`
    const path = ['targets', name, 'addresses']
    return [{ severity: 'warning', code: 'shared-address', path, at: 'value', message }]
  })
}
