// Reading the zone files of a folder, sorted by name and bounded in number and size.
//
// A file that cannot be read costs itself alone: the others are read, and in its place stands what
// it had when it last could be, if it ever could. Names that look like zone files and are none are
// warned of, since no reader would miss them otherwise; dot files, which editors leave, are not.

import { readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import {
  describeFailure,
  failureOf,
  type FileFailure,
  type FileRead,
  readRegularFile,
  unlessHanging,
} from '../files/read-file.ts'
import { documentOctetsLimit, fileDiagnostic } from './document.ts'
import type { Diagnostic } from './diagnostic.ts'
import type { MasterFileRead, OpenMasterFile } from './master-records.ts'
import { lookAtFile } from './watch-files.ts'

/** What a zone file had when it was read. */
interface FileContent {
  readonly octets: Uint8Array
  /** When it was last changed, in milliseconds since 1970. */
  readonly changedMs: number
}

export interface ReadFile extends FileContent {
  /** Path, as diagnostics name it. */
  readonly file: string
  /** Name within the folder. */
  readonly name: string
}

/** Contents of the files of an earlier load, by name within the folder. */
export type KeptFiles = ReadonlyMap<string, FileContent>

export const contentsOf = (files: readonly ReadFile[]): KeptFiles =>
  new Map(files.map(({ name, octets, changedMs }) => [name, { octets, changedMs }]))

type ReadFolder =
  | {
      readonly kind: 'folder'
      readonly files: readonly ReadFile[]
      /** Of single files. */
      readonly diagnostics: readonly Diagnostic[]
      /** false: at least one file could not be read. */
      readonly isComplete: boolean
    }
  /** The folder as a whole cannot be used. */
  | { readonly kind: 'bad'; readonly diagnostics: readonly Diagnostic[] }

/** The default of the setting `max_zone_files`. */
export const defaultFilesMax = 10_000

/** A folder of zone files. */
export interface ZoneFolder {
  readonly folder: string
  /** The most zone files that it may have, and the most master files that these may name: the setting `max_zone_files`. */
  readonly filesMax: number
}

const totalOctetsLimit = 256 * 1024 * 1024
const listWithinMs = 10_000

/** Dot files and backups, which editors leave beside the file, are none. */
export const isZoneFile = (name: string): boolean => /^[^.].*\.ya?ml$/.test(name)

/** Whether an operator may take it for a zone file. */
const looksLikeZoneFile = (name: string): boolean =>
  !isZoneFile(name) && /^[^.].*\.(ya?ml|zone|db|json)$/i.test(name)

/**
 * `kept`: what is served in place of files that cannot be read. `only`: names of the files to read, whatever else there
 * is; null: all zone files of the folder.
 */
export async function readFolder(
  { folder, filesMax }: ZoneFolder,
  kept: KeptFiles = new Map(),
  only: readonly string[] | null = null,
): Promise<ReadFolder> {
  if (only !== null) return readNamed(folder, only)
  const listed = await unlessHanging(folder, listWithinMs, () =>
    readdir(folder).then((names) => ({ kind: 'names' as const, names: names.sort() }), failureOf),
  )
  if (listed.kind !== 'names') {
    const message = `cannot read the folder: ${describeFailure(listed)}, expected one with zone files`
    return bad(fileDiagnostic(folder, 'unreadable-file', message))
  }
  const names = listed.names.filter(isZoneFile)
  const others = listed.names.filter(looksLikeZoneFile).map((name) => notRead(folder, name))
  if (names.length === 0) {
    const message = 'no zone file here, expected at least one *.yaml'
    return bad(fileDiagnostic(folder, 'no-zones', message), others)
  }
  if (names.length > filesMax) {
    const message = `${names.length} zone files, expected at most ${filesMax}: raise the setting max_zone_files`
    return bad(fileDiagnostic(folder, 'too-many-files', message))
  }
  const read = await readFiles(folder, names, kept)
  return { ...read, diagnostics: [...read.diagnostics, ...others] }
}

async function readNamed(folder: string, only: readonly string[]): Promise<ReadFolder> {
  const others = only
    .filter((name) => !isZoneFile(name))
    .map((name) => toError(notRead(folder, name)))
  if (others.length > 0) return { kind: 'bad', diagnostics: others }
  const read = await readFiles(folder, only, new Map())
  // Whoever names a file wants it read.
  return read.kind === 'folder' ? { ...read, diagnostics: read.diagnostics.map(toError) } : read
}

const bad = (diagnostic: Diagnostic, others: readonly Diagnostic[] = []): ReadFolder => ({
  kind: 'bad',
  diagnostics: [diagnostic, ...others],
})

const notRead = (folder: string, name: string): Diagnostic => ({
  ...fileDiagnostic(
    join(folder, name),
    'not-read',
    'not read: zone files end in .yaml or .yml; mxsteer import makes one of a master file',
  ),
  severity: 'warning',
})

async function readFiles(
  folder: string,
  names: readonly string[],
  kept: KeptFiles,
): Promise<ReadFolder> {
  const files: ReadFile[] = []
  const unread: Diagnostic[] = []
  const diagnostics: Diagnostic[] = []
  let total = 0
  let hanging: FileFailure | null = null
  for (const name of names) {
    const file = join(folder, name)
    // Files beside one whose file system does not answer are not asked for either.
    const read: FileRead =
      hanging ?? (await readRegularFile(file, { maxOctets: documentOctetsLimit }))
    if (read.kind === 'hanging') hanging = read
    if (read.kind === 'too-large') diagnostics.push(refusalOf(file, read))
    const before = read.kind === 'octets' ? read : kept.get(name)
    if (read.kind !== 'octets' && read.kind !== 'too-large')
      unread.push(unreadOf(file, read, before !== undefined))
    if (before === undefined || read.kind === 'too-large') continue
    total += before.octets.length
    if (total > totalOctetsLimit) {
      const message = `zone files of more than ${totalOctetsLimit} octets in all`
      return bad(fileDiagnostic(folder, 'too-large', message))
    }
    files.push({ file, name, octets: before.octets, changedMs: before.changedMs })
  }
  if (files.length === 0)
    return { kind: 'bad', diagnostics: [...unread.map(toError), ...diagnostics] }
  return {
    kind: 'folder',
    files,
    diagnostics: [...diagnostics, ...unread],
    isComplete: unread.length === 0,
  }
}

const toError = (diagnostic: Diagnostic): Diagnostic => ({ ...diagnostic, severity: 'error' })

function unreadOf(file: string, failure: FileFailure, isKept: boolean): Diagnostic {
  const outcome = isKept ? 'what it had before is served' : 'its zone is not served'
  const message = `cannot read the file: ${describeFailure(failure)}; ${outcome}`
  return { ...fileDiagnostic(file, 'unreadable-file', message), severity: 'warning' }
}

const refusalOf = (file: string, failure: FileFailure): Diagnostic =>
  fileDiagnostic(
    file,
    failure.kind === 'too-large' ? 'too-large' : 'unreadable-file',
    `cannot read the file: ${describeFailure(failure)}`,
  )

/** What files were when they were read, by name below the folder. */
export type FileLooks = ReadonlyMap<string, string>

/** The master files that the zones of one load name. */
interface MasterFiles {
  /** Reads a file, once however often it is asked for. Never rejects. */
  readonly open: OpenMasterFile
  /** Those with a content, by name below the folder. */
  readonly files: ReadonlyMap<string, ReadFile>
  readonly looks: FileLooks
  /** Of files that cannot be read. */
  readonly unread: readonly Diagnostic[]
  /** false: at least one file could not be read. */
  isComplete(): boolean
}

const masterOctetsLimit = 64 * 1024 * 1024

/** `takenOctets`: of the files that were read before, which count in the bound of the folder. */
export function openMasterFiles(at: ZoneFolder, kept: KeptFiles, takenOctets: number): MasterFiles {
  const { folder, filesMax } = at
  const files = new Map<string, ReadFile>()
  const looks = new Map<string, string>()
  const unread: Diagnostic[] = []
  const reads = new Map<string, Promise<MasterFileRead>>()
  let total = takenOctets
  const take = (name: string, content: FileContent): MasterFileRead => {
    total += content.octets.length
    if (total > totalOctetsLimit || filesMax < files.size)
      return refused('too-large', 'the files of the folder are too large, or too many')
    files.set(name, { file: join(folder, name), name, ...content })
    return { kind: 'octets', ...content }
  }
  const openOnce = async (name: string): Promise<MasterFileRead> => {
    const path = join(folder, name)
    const { look, read } = await readBelow(folder, path)
    looks.set(name, look)
    if (read.kind === 'octets') return take(name, read)
    if (read.kind === 'outside')
      return refused('bad-path', 'a symbolic link leads out of the zones folder')
    if (read.kind === 'missing') return refused('unreadable-file', describeFailure(read))
    if (read.kind === 'too-large') return refused('too-large', describeFailure(read))
    const before = kept.get(name)
    unread.push(unreadOf(path, read, before !== undefined))
    return before ? take(name, before) : { kind: 'unreadable' }
  }
  return {
    open(name) {
      const read = reads.get(name) ?? openOnce(name)
      reads.set(name, read)
      return read
    },
    files,
    looks,
    unread,
    isComplete: () => unread.length === 0,
  }
}

const refused = (
  code: 'bad-path' | 'too-large' | 'unreadable-file',
  why: string,
): MasterFileRead => ({
  kind: 'refused',
  code,
  why,
})

interface ReadBelow {
  /** What it was before it was read. */
  readonly look: string
  readonly read: FileRead | { readonly kind: 'outside' }
}

/** Follows symbolic links, as those of a mount of Kubernetes, which stay in the folder. */
async function readBelow(folder: string, path: string): Promise<ReadBelow> {
  const found = await unlessHanging(path, listWithinMs, async () => {
    const look = await lookAtFile(path)
    const real = await realpath(path).catch(failureOf)
    return { kind: 'looked' as const, look, real, root: await realpath(folder).catch(failureOf) }
  })
  if (found.kind === 'hanging') return { look: found.kind, read: found }
  const { look, real, root } = found
  if (typeof real !== 'string') return { look, read: real }
  if (typeof root !== 'string') return { look, read: root }
  const isBelow = real.startsWith(root.endsWith(sep) ? root : root + sep)
  if (!isBelow) return { look, read: { kind: 'outside' } }
  return { look, read: await readRegularFile(real, { maxOctets: masterOctetsLimit }) }
}

/** Whether a zone file or a master file can be read now. */
export const isReadable = async (file: string): Promise<boolean> =>
  (await readRegularFile(file, { maxOctets: masterOctetsLimit })).kind === 'octets'

type SmallFileRead =
  | { readonly kind: 'octets'; readonly octets: Uint8Array }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/** Reads a regular file of at most 4 MiB. */
export async function readSmallFile(file: string): Promise<SmallFileRead> {
  const read = await readRegularFile(file, { maxOctets: documentOctetsLimit })
  return read.kind === 'octets' ? read : { kind: 'bad', diagnostic: refusalOf(file, read) }
}
