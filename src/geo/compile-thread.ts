// Entry of the thread that compiles one database: reads the file, compiles it, posts the result, and ends.

import { readFile, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

import type { Broken, CompileJob, CompileResult } from './compile-database.ts'
import { compileAsns, compilePlaces } from './compile-database.ts'

const shippedDatabase = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'
/** The largest commercial databases have some 150 MiB. */
const maxFileOctets = 256 * 1024 * 1024

async function compile({ database, file }: CompileJob): Promise<CompileResult> {
  const octets = await read(file ?? createRequire(import.meta.url).resolve(shippedDatabase))
  if (!Buffer.isBuffer(octets)) return octets
  return database === 'country' ? compilePlaces(octets) : compileAsns(octets)
}

/** The octets of a file; Broken if it is missing, too large, or being written. */
async function read(file: string): Promise<Buffer | Broken> {
  try {
    const before = await stat(file)
    if (before.size > maxFileOctets)
      return { kind: 'broken', why: `has ${before.size} octets, at most ${maxFileOctets}` }
    const octets = await readFile(file)
    const after = await stat(file)
    // Once it is written, the watcher of the file starts another compilation.
    const isWhole = after.mtimeMs === before.mtimeMs && after.size === octets.length
    return isWhole ? octets : { kind: 'broken', why: 'was written while it was read' }
  } catch (error) {
    return { kind: 'broken', why: (error as Error).message }
  }
}

const control = parentPort as MessagePort
control.postMessage(await compile(workerData as CompileJob))
