// Entry of the thread that compiles one database: reads the file, compiles, tells, ends.

import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

import type { Broken, CompileJob, CompileResult } from './compile-database.ts'
import { compileAsns, compilePlaces } from './compile-database.ts'

const shippedDatabase = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'
/** The largest databases sold have some 150 MiB. */
const maxFileOctets = 256 * 1024 * 1024

async function compile({ database, file }: CompileJob): Promise<CompileResult> {
  const octets = await read(file ?? createRequire(import.meta.url).resolve(shippedDatabase))
  if (!Buffer.isBuffer(octets)) return octets
  return database === 'country' ? compilePlaces(octets) : compileAsns(octets)
}

async function read(file: string): Promise<Buffer | Broken> {
  try {
    const before = await stat(file)
    if (before.size > maxFileOctets)
      return { kind: 'broken', why: `has ${before.size} octets, at most ${maxFileOctets}` }
    const octets = await readFile(file)
    const after = await stat(file)
    // Whoever writes it will be noticed when done.
    const isWhole = after.mtimeMs === before.mtimeMs && after.size === octets.length
    return isWhole ? octets : { kind: 'broken', why: 'was written while it was read' }
  } catch (error) {
    return { kind: 'broken', why: (error as Error).message }
  }
}

const control = parentPort as MessagePort
control.postMessage(await compile(workerData as CompileJob))
