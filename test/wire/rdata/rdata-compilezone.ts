// Rdata texts encoded by BIND's named-compilezone, read from its raw format, for comparison in tests.
//
// All texts go into one zone, each with its own owner and its own lines, so that an error names its record.
// SOA belongs to an apex, so each of those is a zone of its own.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

export interface RdataText {
  readonly type: string
  readonly text: string
}

const run = promisify(execFile)
const linesPerRecord = 4
const ns = '@ NS ns.invalid.\n'
const head = `$TTL 60\n@ SOA . . 1 2 3 4 5\n${ns}`
const headLines = 3

/** Rdata in hex as BIND encodes it under the origin `example.`, or null where BIND refuses the text. */
export async function compileZone(texts: readonly RdataText[]): Promise<(string | null)[]> {
  const folder = await mkdtemp(join(tmpdir(), 'mxsteer-rdata-'))
  try {
    const octets = readRaw(await compileAccepted(folder, texts))
    return texts.map((_, i) => octets.get(`r${i}`) ?? null)
  } finally {
    await rm(folder, { recursive: true })
  }
}

/** The same for one SOA. */
export async function compileSoa(text: string): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'mxsteer-rdata-'))
  try {
    const { raw } = await compile(folder, `$TTL 60\n@ SOA ${text}\n${ns}`)
    return (raw && readRaw(raw).get('example/6')) ?? null
  } finally {
    await rm(folder, { recursive: true })
  }
}

/**
 * Compiles, leaving out what is refused until nothing is. One round does not do: an open quote or parenthesis
 * hides the records after it.
 */
async function compileAccepted(folder: string, texts: readonly RdataText[]): Promise<Buffer> {
  const refused = new Set<number>()
  for (let round = 0; round < 8; round++) {
    const lines = texts.map((text, i) => record(refused.has(i) ? null : text, i))
    const { raw, log } = await compile(folder, head + lines.join(''))
    if (raw) return raw
    for (const [, line] of log.matchAll(/zone:(\d+):/g))
      refused.add(Math.floor((Number(line) - headLines - 1) / linesPerRecord))
  }
  throw new Error('named-compilezone goes on refusing')
}

const record = (text: RdataText | null, i: number): string =>
  `${text ? `r${i} ${text.type} ${text.text}` : ''}${'\n'.repeat(linesPerRecord)}`

async function compile(folder: string, zone: string): Promise<{ raw: Buffer | null; log: string }> {
  const [zoneFile, rawFile] = [join(folder, 'zone'), join(folder, 'raw')]
  await writeFile(zoneFile, zone)
  const checksOff = '-i none -k ignore -n ignore -m ignore -r ignore -M ignore -S ignore -T ignore'
  const peer = [...checksOff.split(' '), '-F', 'raw', '-o', rawFile, 'example.', zoneFile]
  try {
    const { stdout, stderr } = await run('named-compilezone', peer, { timeout: 15_000 })
    return { raw: await readFile(rawFile), log: stdout + stderr }
  } catch (error) {
    const { stdout, stderr, code } = error as { stdout: string; stderr: string; code: unknown }
    if (code !== 1) throw error
    return { raw: null, log: stdout + stderr }
  }
}

/**
 * BIND's raw zone format, version 1: a header of 24 octets, then RRsets each led by its length. Gives the first
 * rdata of each, by the first label of its owner, and by label and type.
 */
function readRaw(raw: Buffer): Map<string, string> {
  if (raw.readUInt32BE(0) !== 2 || raw.readUInt32BE(4) !== 1)
    throw new Error('not the raw format, version 1')
  const found = new Map<string, string>()
  for (let at = 24; at < raw.length; at += raw.readUInt32BE(at)) {
    const nameAt = at + 20
    const rdataAt = nameAt + raw.readUInt16BE(at + 18)
    const octets = raw.subarray(rdataAt + 2, rdataAt + 2 + raw.readUInt16BE(rdataAt))
    const label = raw.toString('latin1', nameAt + 1, nameAt + 1 + raw.readUInt8(nameAt))
    found.set(label, octets.toString('hex'))
    found.set(`${label}/${raw.readUInt16BE(at + 6)}`, octets.toString('hex'))
  }
  return found
}
