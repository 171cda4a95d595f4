// The domain names in rdata and their roles, for zone checks and additional data.

import type { Name } from '../name.ts'
import type { Rdata } from './rdata.ts'
import { decodeRdata } from './decode.ts'
import type { NameRole } from './field.ts'
import { layouts } from './layouts.ts'
import { nameEnd } from './name-field.ts'

interface NameInRdata {
  readonly role: NameRole
  readonly name: Name
}

/** The names in valid rdata of a type, in order. The root is among them where it means "none" (null MX, SRV, SVCB). */
export function namesInRdata(type: number, rdata: Rdata): readonly NameInRdata[] {
  const layout = layouts.get(type)
  const decoded = layout?.fields.some((field) => field.hasName)
    ? decodeRdata(layout, rdata.octets)
    : null
  if (decoded?.kind !== 'decoded') return []
  return decoded.names.map(({ offset, role }) => {
    const end = nameEnd(rdata.octets, offset) ?? offset
    return { role, name: rdata.octets.subarray(offset, end) }
  })
}
