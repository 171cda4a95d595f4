// Reading the zone files of a folder, sorted by name and bounded in number and size.

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describeFailure, failureOf, readRegularFile } from '../files/read-file.ts'
import { documentOctetsLimit, fileDiagnostic } from './document.ts'
import type { Diagnostic } from './diagnostic.ts'

export interface ReadFile {
  /** Path, as diagnostics name it. */
  readonly file: string
  /** Name within the folder. */
  readonly name: string
  readonly octets: Uint8Array
}

type ReadFolder =
  | {
      readonly kind: 'folder'
      readonly files: readonly ReadFile[]
      readonly diagnostics: readonly Diagnostic[]
    }
  | { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

const filesLimit = 10_000
const totalOctetsLimit = 256 * 1024 * 1024

/**
 * `diagnostics` of a folder are those of single files; `bad`: the folder as a whole cannot be used.
 */
export async function readFolder(folder: string): Promise<ReadFolder> {
  let names: readonly string[]
  try {
    names = (await readdir(folder)).filter(isZoneFile).sort()
  } catch (error) {
    return bad(
      fileDiagnostic(
        folder,
        'unreadable-file',
        `cannot read the folder: ${describeFailure(failureOf(error))}`,
      ),
    )
  }
  if (names.length === 0) {
    return bad(
      fileDiagnostic(folder, 'no-zones', 'no zone file here, expected at least one *.yaml'),
    )
  }
  if (names.length > filesLimit) {
    const message = `${names.length} zone files, expected at most ${filesLimit}`
    return bad(fileDiagnostic(folder, 'too-many-files', message))
  }
  return readFiles(folder, names)
}

const bad = (diagnostic: Diagnostic): ReadFolder => ({ kind: 'bad', diagnostics: [diagnostic] })

/** Skips dot files and backups, which editors leave beside the file. */
const isZoneFile = (name: string): boolean => /^[^.].*\.ya?ml$/.test(name)

async function readFiles(folder: string, names: readonly string[]): Promise<ReadFolder> {
  const files: ReadFile[] = []
  const diagnostics: Diagnostic[] = []
  let total = 0
  for (const name of names) {
    const file = join(folder, name)
    const read = await readSmallFile(file)
    if (read.kind === 'bad') {
      diagnostics.push(read.diagnostic)
      continue
    }
    total += read.octets.length
    if (total > totalOctetsLimit) {
      const message = `zone files of more than ${totalOctetsLimit} octets in all`
      return bad(fileDiagnostic(folder, 'too-large', message))
    }
    files.push({ file, name, octets: read.octets })
  }
  return { kind: 'folder', files, diagnostics }
}

type SmallFileRead =
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/** Reads a regular file of at most 4 MiB. */
export async function readSmallFile(file: string): Promise<SmallFileRead> {
  const read = await readRegularFile(file, { maxOctets: documentOctetsLimit })
  if (read.kind === 'octets') return read
  const code = read.kind === 'too-large' ? 'too-large' : 'unreadable-file'
  const message = `cannot read the file: ${describeFailure(read)}`
  return { kind: 'bad', diagnostic: fileDiagnostic(file, code, message) }
}
