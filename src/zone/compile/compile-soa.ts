// The SOA of a zone, from its `soa:` (RFC 1035 §3.3.13).

import { rootName, type Name } from '../../wire/name.ts'
import { RRType } from '../../wire/rrtype.ts'
import type { Compilation } from './compilation.ts'
import { readName } from './names.ts'
import type { RRset } from '../zone.ts'

export function compileSoa(compilation: Compilation): RRset {
  const { source, input } = compilation
  const { refresh, retry, expire, minimum = source.ttl } = source.soa
  const mname = readSoaName(compilation, 'mname')
  const rname = readSoaName(compilation, 'rname')
  const octets = new Uint8Array(mname.length + rname.length + 20)
  octets.set(mname, 0)
  octets.set(rname, mname.length)
  const numbers = new DataView(octets.buffer, mname.length + rname.length)
  for (const [i, value] of [input.serial, refresh, retry, expire, minimum].entries()) {
    numbers.setUint32(4 * i, value)
  }
  const rdata = { octets, compressible: [0, mname.length] }
  return { kind: 'plain', type: RRType.SOA, ttl: source.ttl, rdata: [rdata] }
}

function readSoaName({ source, apex, problems }: Compilation, key: 'mname' | 'rname'): Name {
  const text = source.soa[key]
  const path = ['soa', key]
  if (text.length > 1 && text.includes('@')) {
    const right = text.replace('@', '.').replace(/\.?$/, '.')
    problems.refuse('bad-name', path, `a name has no @, expected ${right}`)
    return rootName
  }
  const parsed = readName(text, apex)
  if (parsed.kind === 'name') return parsed.name
  problems.refuse('bad-name', path, `bad name: ${parsed.why}`)
  return rootName
}
