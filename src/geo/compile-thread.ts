// Entry of the thread that compiles one database: reads the file, compiles it, posts the result, and ends.

import { createRequire } from 'node:module'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'

import { describeFailure, readRegularFile } from '../files/read-file.ts'
import type { Broken, CompileJob, CompileResult } from './compile-database.ts'
import { compileAsns, compilePlaces } from './compile-database.ts'

const shippedDatabase = '@ip-location-db/geo-whois-asn-country-mmdb/geo-whois-asn-country.mmdb'
/** The largest commercial databases have some 150 MiB. */
const maxFileOctets = 256 * 1024 * 1024
const readWithinMs = 60_000

async function compile({ database, file }: CompileJob): Promise<CompileResult> {
  const octets = await read(file ?? createRequire(import.meta.url).resolve(shippedDatabase))
  if (!Buffer.isBuffer(octets)) return octets
  return database === 'country' ? compilePlaces(octets) : compileAsns(octets)
}

/** The octets of a file; Broken if it cannot be read, or is being written. */
async function read(file: string): Promise<Buffer | Broken> {
  const found = await readRegularFile(file, { maxOctets: maxFileOctets, withinMs: readWithinMs })
  if (found.kind !== 'octets') return { kind: 'broken', why: describeFailure(found) }
  // Once it is written, the watcher of the file starts another compilation.
  return found.isWhole ? found.octets : { kind: 'broken', why: 'was written while it was read' }
}

const control = parentPort as MessagePort
void compile(workerData as CompileJob).then((result) => control.postMessage(result))
