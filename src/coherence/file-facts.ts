// What zone files alone say of the addresses of targets: their PTR, where a zone among the files has the reverse names. The
// rest of the facts takes somebody who looks.

import { parseAddress, reverseName } from '../lib/ip.ts'
import { listed } from '../lib/listed.ts'
import { keyOfName, type NameKey, nameToBareText, parseName } from '../wire/name.ts'
import { namesInRdata } from '../wire/rdata/names.ts'
import { RRType } from '../wire/rrtype.ts'
import { lookup } from '../zone/lookup.ts'
import type { Catalog } from '../zone/zone.ts'
import type { Incoherence } from './guard.ts'
import type { AddressFacts } from './matrix.ts'
import type { ZoneMail } from './zone-mail.ts'

export const factsOfFiles = (catalog: Catalog, address: string): AddressFacts => ({
  presented: null,
  greeting: null,
  ptr: ptrOf(catalog, address),
})

/** null: no zone has the reverse name, or gives it away. What a name leads back to is not looked up elsewhere. */
function ptrOf(catalog: Catalog, address: string): readonly string[] | null {
  const parsed = parseAddress(address)
  if (parsed === null) return null
  const found = lookup(catalog, keyOf(reverseName(parsed)), RRType.PTR)
  if (found.kind === 'nodata' || found.kind === 'nxdomain') return []
  if (found.kind !== 'found' || found.set.kind !== 'plain') return null
  const names = found.set.rdata.flatMap((rdata) => namesInRdata(RRType.PTR, rdata))
  return names.map(({ name }) => nameToBareText(name))
}

function keyOf(text: string): NameKey {
  const parsed = parseName(`${text}.`)
  return parsed.kind === 'bad' ? '' : keyOfName(parsed.name)
}

const namesShown = 3

/** Reverse names among the files that are not those of the hosts, of targets that a `spf:` names; where there is none, of all. */
export const ptrIncoherences = (
  { zone, targets }: ZoneMail,
  catalog: Catalog,
): readonly Incoherence[] => {
  const senders = targets.filter(({ isInSpf }) => isInSpf)
  return (senders.length > 0 ? senders : targets).flatMap(({ name, exchange, addresses }) =>
    addresses.flatMap((address): readonly Incoherence[] => {
      const names = ptrOf(catalog, address)
      if (names === null || names.includes(exchange)) return []
      const has = names.length === 0 ? 'no PTR' : `the PTR ${listed(names, namesShown)}`
      const message = `${address} of target ${name} has ${has}, and receivers compare that with the name of who sends: expected ${exchange}.`
      return [{ severity: 'warning', code: 'ptr-differs', zone, target: name, message }]
    }),
  )
}
