// Zones compiled by BIND's named-compilezone into its raw format, as lines that can be compared.

import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { nameToText } from '../../src/wire/name.ts'
import { recordLine } from './master-file.ts'
import { temporaryFolder } from './server.ts'

const checksOff = '-i none -k ignore -n ignore -r ignore -m ignore -M ignore -S ignore -T ignore'

/** `owner TTL type length hex` of every record, sorted. `file`: its path from `cwd`, as those that it includes. */
export function rawRecords(zone: string, file: string, cwd?: string): string[] {
  const output = join(temporaryFolder(), 'raw')
  const flags = [...checksOff.split(' '), '-s', 'full', '-F', 'raw', '-o', output]
  execFileSync('named-compilezone', [...flags, zone, file], { cwd, stdio: 'pipe' })
  return readRaw(readFileSync(output))
}

/** BIND's raw format: a header, then RRsets (lib/dns/master.c documents it as dump_rdataset_raw). */
function readRaw(file: Buffer): string[] {
  const lines: string[] = []
  const headerOctets = file.readUInt32BE(4) === 0 ? 12 : 24
  for (let at = headerOctets; at < file.length;) {
    const end = at + file.readUInt32BE(at)
    const type = file.readUInt16BE(at + 6)
    const ttl = file.readUInt32BE(at + 10)
    const count = file.readUInt32BE(at + 14)
    const nameOctets = file.readUInt16BE(at + 18)
    const owner = nameToText(file.subarray(at + 20, at + 20 + nameOctets))
    let next = at + 20 + nameOctets
    for (let i = 0; i < count; i++) {
      const length = file.readUInt16BE(next)
      lines.push(recordLine(owner, ttl, type, file.subarray(next + 2, next + 2 + length)))
      next += 2 + length
    }
    if (next !== end) throw new Error(`an RRset of ${end - at} octets has ${next - at}`)
    at = end
  }
  return lines.sort()
}
