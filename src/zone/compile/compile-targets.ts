// Compiles `targets:`. The name of a target owns its addresses.

import { hashText } from '../../lib/hash.ts'
import { formatAddress, parseAddress } from '../../lib/ip.ts'
import { keyOfName, type Name } from '../../wire/name.ts'
import type { Member, Target, TargetAddress } from '../../steer/policy.ts'
import type { Compilation } from './compilation.ts'
import { isHostLabel, readName } from './names.ts'
import type { DocumentPath } from './problem.ts'

/** A target while the zone is compiled; compilePools adds its memberships. */
export interface TargetDraft {
  readonly target: Target
  readonly memberships: { readonly pool: string; readonly member: Member }[]
}

const maxAddresses = 16

export function compileTargets(compilation: Compilation): ReadonlyMap<string, TargetDraft> {
  const { source, input, problems } = compilation
  const owners = readOwners(compilation)
  const drafts = new Map<string, TargetDraft>()
  const groups = createGroups()
  for (const [name, targetSource] of sortedByName(source.targets)) {
    const { addresses, region = null, rack = null, warmup = null } = targetSource
    const path = ['targets', name]
    const owner = owners.get(name)
    if (!owner) continue
    const index = input.takeTargetIndex(name)
    if (index === null) {
      problems.refuse('too-many-targets', path, 'one target more than the server can count', 'key')
    }
    const target: Target = {
      name,
      index: index ?? 0,
      owner,
      region,
      rack,
      regionGroup: groups.of(region === null ? null : [region]),
      // Racks are named within their region: two regions may use the same names.
      rackGroup: groups.of(rack === null ? null : [region, rack]),
      hash: hashText(keyOfName(owner)),
      warmup,
      addresses: readAddresses(compilation, addresses, [...path, 'addresses']),
    }
    drafts.set(name, { target, memberships: [] })
  }
  return drafts
}

/**
 * Numbers groups of targets that share a risk: the same number for the same key; null: a group of
 * its own.
 */
function createGroups(): { of: (key: readonly (string | null)[] | null) => number } {
  const groups = new Map<string, number>()
  let count = 0
  return {
    of(key) {
      if (key === null) return count++
      const text = JSON.stringify(key)
      const group = groups.get(text) ?? count++
      groups.set(text, group)
      return group
    },
  }
}

/** In the order of the file, so that of two targets with the same name the second is reported. */
function readOwners(compilation: Compilation): ReadonlyMap<string, Name> {
  const owners = new Map<string, Name>()
  const nameOfKey = new Map<string, string>()
  for (const name of compilation.source.targets.keys()) {
    const owner = readOwner(compilation, name)
    if (!owner) continue
    const twin = nameOfKey.get(keyOfName(owner))
    if (twin !== undefined) {
      const message = `the same name as target ${twin}, expected it once: upper and lower case are one`
      compilation.problems.refuse('duplicate-target', ['targets', name], message, 'key')
    }
    nameOfKey.set(keyOfName(owner), name)
    owners.set(name, owner)
  }
  return owners
}

/** Sorted, so that the order in the file changes neither draws nor indexes. */
export const sortedByName = <T>(map: ReadonlyMap<string, T>): readonly (readonly [string, T])[] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : 1))

function readOwner({ apex, problems }: Compilation, name: string): Name | null {
  const parsed = isHostLabel(name) ? readName(name, apex) : null
  if (parsed?.kind === 'name') return parsed.name
  const label = name
    .split('.', 1)
    .join()
    .replaceAll(/[^A-Za-z0-9-]+/g, '-')
  const example = isHostLabel(label) ? label : 'mx1'
  const why = parsed?.why ?? `expected one label of letters, digits and hyphens, such as ${example}`
  problems.refuse('bad-name', ['targets', name], `bad target name: ${why}`, 'key')
  return null
}

function readAddresses(
  { problems }: Compilation,
  texts: readonly string[],
  path: DocumentPath,
): readonly TargetAddress[] {
  if (texts.length === 0)
    problems.refuse(
      'no-addresses',
      path,
      'a target needs at least one address, such as addresses: [192.0.2.1]',
    )
  if (texts.length > maxAddresses) {
    problems.refuse(
      'too-many-addresses',
      path,
      `${texts.length} addresses, expected at most ${maxAddresses}`,
    )
  }
  const addresses: TargetAddress[] = []
  for (const [i, text] of texts.entries()) {
    const address = readHostAddress(text)
    if (!address) {
      problems.refuse(
        'bad-address',
        [...path, i],
        `expected the IPv4 or IPv6 address of a host, got ${JSON.stringify(text)}${adviseOnAddress(text)}`,
      )
    } else if (addresses.some((known) => known.text === address.text)) {
      problems.refuse(
        'duplicate-address',
        [...path, i],
        `the address ${address.text} is there twice, expected it once`,
      )
    } else {
      addresses.push(address)
    }
  }
  return addresses
}

const isOne = (text: string | undefined): text is string =>
  text !== undefined && readHostAddress(text) !== null

/** What to write in place of a text that is no address of a host; empty: that is open. */
function adviseOnAddress(text: string): string {
  const parts = text.split(/[\s,;]+/)
  if (parts.length > 1 && parts.every(isOne)) return `: write [${parts.join(', ')}]`
  if (text.includes('/')) return ': a network is no host, write the address of each'
  const [, inner] = /^\[?([^\][%/]+?)\]?(?:%\w+|(?<=\]|\.\d{1,3}):\d+)?$/.exec(text) ?? []
  if (isOne(inner)) return `: write ${inner} alone`
  const decimal = text.replaceAll(/\b0+(?=\d)/g, '')
  if (isOne(decimal)) return `: write ${decimal}, without zeros in front`
  const mapped = /^::ffff:(\d[\d.]+)$/i.exec(text)?.[1]
  if (isOne(mapped)) return `: write ${mapped}`
  return /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$/i.test(text) && /[g-z]/i.test(text)
    ? ': names are not looked up, write the addresses that they have'
    : ''
}

/**
 * null: not an address of a host. Unspecified, multicast, reserved and IPv4-mapped addresses are
 * refused.
 */
function readHostAddress(text: string): TargetAddress | null {
  const parsed = parseAddress(text)
  if (!parsed) return null
  const { octets, family } = parsed
  const canonical = formatAddress(octets)
  const first = octets[0] ?? 0
  const isHost =
    family === 4 ? first > 0 && first < 224 : first < 255 && !/^::(ffff:.*\..*)?$/.test(canonical)
  return isHost ? { family, text: canonical, rdata: { octets, compressible: [] } } : null
}
