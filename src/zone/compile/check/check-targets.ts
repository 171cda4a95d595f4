// Warnings of addresses of targets: one that two targets have, and one that nobody outside reaches beside others that
// everybody does.

import { formatAddress, parseAddress } from '../../../lib/ip.ts'
import { specialPurposeOf } from '../../../lib/special-address.ts'
import type { Compilation } from '../compilation.ts'
import type { DocumentPath } from '../problem.ts'

interface GivenAddress {
  readonly target: string
  readonly octets: Uint8Array
  readonly path: DocumentPath
}

/** To be called for a zone without errors. */
export function checkTargets({ source, problems }: Compilation): void {
  const given = [...source.targets].flatMap(([target, { addresses }]) =>
    addresses.flatMap((text, i): GivenAddress[] => {
      const octets = parseAddress(text)?.octets
      return octets ? [{ target, octets, path: ['targets', target, 'addresses', i] }] : []
    }),
  )
  const isPublic = given.some(({ octets }) => specialPurposeOf(octets) === null)
  const ownerOf = new Map<string, string>()
  for (const { target, octets, path } of given) {
    const text = formatAddress(octets)
    const other = ownerOf.get(text)
    if (other !== undefined) {
      const message = `target ${other} has ${text} too: a second try of a sender reaches the same host, expected one target for it`
      problems.warn('shared-address', path, message)
    } else ownerOf.set(text, target)
    const what = isPublic ? specialPurposeOf(octets) : null
    if (what === null) continue
    const message = `${text} is ${what}: no sender elsewhere reaches it, and other targets have public addresses. Expected the one that senders are to use, and this one in probe_at`
    problems.warn('special-address', path, message)
  }
}
