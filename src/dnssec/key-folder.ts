// The folder of keys: two files a key, as key-file.ts reads them, of as many zones as there are. All keys of all zones
// are taken together or none is: a set that lacks one key may be worse than none. A key with flags 257 that is kept offline has its
// `.key` here, and what it has signed beside it, `K<zone>.skr` (offline/response.ts).
//
// Files are read where their name is that of a key of a zone that is asked for; others are left alone. A `.private`
// without a `.key` is not a key yet: so a key appears at once when its `.key`, written last, does.

import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

import {
  describeFailure,
  failureOf,
  type FileFailure,
  readRegularFile,
  unlessHanging,
} from '../files/read-file.ts'
import { keyOfName, type Name, type NameKey, nameToText } from '../wire/name.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { keyTagOf } from './dnskey.ts'
import {
  keyDiagnostic,
  type KeyFile,
  keyFileName,
  keyFilePrefix,
  keyFileTexts,
  keyTimeText,
  type PublicZoneKey,
  readKeyPair,
  readPublicKey,
  responseFileName,
  withOtherComments,
  withOtherTimes,
  type ZoneKey,
} from './key-file.ts'
import type { KnownKey } from './key-memory.ts'
import { firstRefusal, isEntryPoint, type KeyTimes, vanishedKeys } from './key-set.ts'
import { maxDatedOctets } from './offline/dated-records.ts'
import { lackingResponse, offlineMistakes } from './offline/mistakes.ts'
import { type OfflineKeys, offlineRefusal, takenOver } from './offline/periods.ts'
import { type KeyResponse, readKeyResponse } from './offline/response.ts'

const maxFileOctets = 16_384
const maxFiles = 10_000
const listWithinMs = 10_000

/** Keys by zone, those of a zone in the order of their file names. */
export type ZoneKeys = ReadonlyMap<NameKey, readonly ZoneKey[]>

export interface KeyFolder {
  /** Those that can be read. */
  readonly keys: ZoneKeys
  /** Keys with flags 257 that have no `.private` here. */
  readonly publicKeys: ReadonlyMap<NameKey, readonly PublicZoneKey[]>
  /** What keys have signed that are kept offline. */
  readonly responses: ReadonlyMap<NameKey, KeyResponse>
  /** Errors and warnings. */
  readonly diagnostics: readonly Diagnostic[]
}

interface KeysWanted {
  readonly folder: string
  /** The zones that are signed. */
  readonly zones: readonly Name[]
  /** Milliseconds since 1970; asked when the keys are read. */
  readonly nowMs: number | ((keys: ZoneKeys) => number)
  /** The keys in force; at a start, those of the process before. */
  readonly before?: ReadonlyMap<NameKey, readonly KnownKey[]>
  /** The responses of offline keys in force; absent: nothing is in force yet. */
  readonly offlineBefore?: ReadonlyMap<NameKey, OfflineKeys>
}

export type KeysRead =
  | {
      readonly kind: 'read'
      readonly keys: ZoneKeys
      readonly offline: ReadonlyMap<NameKey, OfflineKeys>
      readonly warnings: readonly Diagnostic[]
    }
  | { readonly kind: 'rejected'; readonly diagnostics: readonly Diagnostic[] }

/** The keys of these zones, if every one can be read and those of each zone can sign it now. */
export async function readKeys({
  folder,
  zones,
  nowMs: time,
  before,
  offlineBefore,
}: KeysWanted): Promise<KeysRead> {
  const { keys, publicKeys, responses, diagnostics } = await lookIntoKeyFolder(folder, zones)
  const nowMs = typeof time === 'number' ? time : time(keys)
  const found = [...diagnostics]
  const offline = new Map<NameKey, OfflineKeys>()
  for (const zone of zones) {
    // A set that lacks a key which is told of is not judged.
    if (isPartial(folder, zone, diagnostics)) continue
    const apexKey = keyOfName(zone)
    const own = keys.get(apexKey) ?? []
    const elsewhere = publicKeys.get(apexKey) ?? []
    const response = responses.get(apexKey)
    if (response === undefined) {
      found.push(...elsewhere.map((key) => lackingResponse(folder, key)))
      if (elsewhere.length === 0) found.push(...setMistakes(folder, zone, own, nowMs))
    } else {
      const entryPoints = [...elsewhere, ...own.filter(isEntryPoint)]
      const earlier = offlineBefore?.get(apexKey)
      const taken = takenOver({ response, entryPoints }, earlier, nowMs)
      const isOver = earlier !== undefined && offlineRefusal(own, earlier, nowMs)?.atMs === nowMs
      const isAllThereIs = offlineBefore === undefined || isOver
      offline.set(apexKey, taken)
      found.push(
        ...offlineMistakes({ zone, folder, keys: own, offline: taken, nowMs, isAllThereIs }),
      )
    }
    const gone = vanishedKeys(before?.get(apexKey) ?? [], [...own, ...elsewhere], nowMs)
    found.push(...gone.map((key) => vanished(folder, key)))
  }
  return found.some(({ severity }) => severity === 'error')
    ? { kind: 'rejected', diagnostics: found }
    : { kind: 'read', keys, offline, warnings: found }
}

const isPartial = (folder: string, zone: Name, diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some(
    ({ severity, file }) =>
      severity === 'error' &&
      (file === folder ||
        file === join(folder, responseFileName(zone)) ||
        file.startsWith(join(folder, keyFilePrefix(zone)))),
  )

/** What is wrong with the keys of a zone: now an error, later a warning. */
function setMistakes(
  folder: string,
  zone: Name,
  keys: readonly ZoneKey[],
  nowMs: number,
): readonly Diagnostic[] {
  const name = nameToText(zone)
  if (keys.length === 0) {
    const message = `no key of ${name} here: "mxsteer keys generate ${name}" makes one`
    return [keyDiagnostic(folder, 0, 'dnssec-no-key', message)]
  }
  const refusal = firstRefusal(keys, nowMs)
  if (refusal === null) return []
  const { atMs, refused } = refusal
  if (atMs === nowMs)
    return [keyDiagnostic(folder, 0, refused.code, `the keys of ${name}: ${refused.why}`)]
  const message = `the keys of ${name} from ${keyTimeText(atMs)} (UTC) on: ${refused.why}`
  return [{ ...keyDiagnostic(folder, 0, refused.code, message), severity: 'warning' }]
}

function vanished(folder: string, key: KnownKey): Diagnostic {
  const message = `the key is gone, but answers or the parent may still need it: put it back, and set Delete in its .private`
  return keyDiagnostic(join(folder, `${keyFileName(key)}.key`), 0, 'key-vanished', message)
}

/** The name of a file of a key, in parts: that of the key, and what its zone's files begin with. */
const keyFile = /^((K.*\.\+)\d{3}\+\d{5})\.(key|private)$/

const responseFile = /^K.*\.skr$/

export const isKeyFile = (name: string): boolean => keyFile.test(name) || responseFile.test(name)

/** All keys that the folder has of these zones, or of any where `zones` is null, whatever else is wrong. */
export async function lookIntoKeyFolder(
  folder: string,
  zones: readonly Name[] | null,
): Promise<KeyFolder> {
  const listed = await unlessHanging(folder, listWithinMs, () =>
    readdir(folder).then((names) => ({ kind: 'names' as const, names: names.sort() }), failureOf),
  )
  const keys = new Map<NameKey, ZoneKey[]>()
  const publicKeys = new Map<NameKey, PublicZoneKey[]>()
  const nothing = { keys, publicKeys, responses: new Map<NameKey, KeyResponse>() }
  if (listed.kind !== 'names') return { ...nothing, diagnostics: [unreadable(folder, listed)] }
  const prefixes = zones && new Set(zones.map(keyFilePrefix))
  const names = listed.names.filter((name) => {
    const [, , prefix = ''] = keyFile.exec(name) ?? []
    return prefix !== '' && (prefixes === null || prefixes.has(prefix))
  })
  if (names.length > maxFiles) {
    const message = `${names.length} files of keys, expected at most ${maxFiles}`
    const diagnostics = [keyDiagnostic(folder, 0, 'too-many-files', message)]
    return { ...nothing, diagnostics }
  }
  const diagnostics: Diagnostic[] = []
  const present = new Set(names)
  for (const base of new Set(names.map((name) => keyFile.exec(name)?.[1] ?? ''))) {
    const pair = await readPair(folder, base, present)
    diagnostics.push(...pair.diagnostics)
    // Files beside one whose file system does not answer are not asked for either.
    if (pair.isHanging) return { keys, publicKeys, responses: new Map(), diagnostics }
    if (pair.key !== null) putKey(keys, pair.key)
    if (pair.publicKey !== undefined) putKey(publicKeys, pair.publicKey)
  }
  const read = await readResponses(folder, new Set(listed.names), [keys, publicKeys])
  return {
    keys,
    publicKeys,
    responses: read.responses,
    diagnostics: [...diagnostics, ...read.diagnostics],
  }
}

function putKey<Key extends PublicZoneKey>(zones: Map<NameKey, Key[]>, key: Key): void {
  const zone = keyOfName(key.zone)
  const own = zones.get(zone)
  if (own) own.push(key)
  else zones.set(zone, [key])
}

/** The responses of zones that have keys here. */
async function readResponses(
  folder: string,
  names: ReadonlySet<string>,
  zones: readonly ReadonlyMap<NameKey, readonly PublicZoneKey[]>[],
): Promise<Pick<KeyFolder, 'responses' | 'diagnostics'>> {
  const responses = new Map<NameKey, KeyResponse>()
  const diagnostics: Diagnostic[] = []
  const apexes = new Map(zones.flatMap((all) => Array.from(all, ([id, [key]]) => [id, key])))
  for (const [apexKey, first] of apexes) {
    if (first === undefined || !names.has(responseFileName(first.zone))) continue
    const file = join(folder, responseFileName(first.zone))
    const read = await readRegularFile(file, { maxOctets: maxDatedOctets })
    if (read.kind !== 'octets') {
      diagnostics.push(unreadable(file, read))
      if (read.kind === 'hanging') break
      continue
    }
    const own = zones.flatMap((all) => all.get(apexKey) ?? []).filter(isEntryPoint)
    const dnskeys = own.map(({ dnskey }) => dnskey)
    const response = readKeyResponse({ file, octets: read.octets }, first.zone, dnskeys)
    if (response.kind === 'bad') diagnostics.push(...response.diagnostics)
    else responses.set(apexKey, response.response)
  }
  return { responses, diagnostics }
}

interface PairRead {
  readonly key: ZoneKey | null
  /** One with flags 257 and without a `.private` beside it. */
  readonly publicKey?: PublicZoneKey
  readonly diagnostics: readonly Diagnostic[]
  readonly isHanging?: boolean
}

const noKey = (...diagnostics: readonly Diagnostic[]): PairRead => ({ key: null, diagnostics })

const notRead = (file: string, failure: FileFailure): PairRead => ({
  ...noKey(unreadable(file, failure)),
  isHanging: failure.kind === 'hanging',
})

async function readPair(
  folder: string,
  base: string,
  names: ReadonlySet<string>,
): Promise<PairRead> {
  const [publicFile, privateFile] = [join(folder, `${base}.key`), join(folder, `${base}.private`)]
  if (!names.has(`${base}.key`)) {
    const message = 'not used: the file .key of the same name is missing beside it'
    return noKey({ ...keyDiagnostic(privateFile, 0, 'key-pair', message), severity: 'warning' })
  }
  const record = await readRegularFile(publicFile, { maxOctets: maxFileOctets })
  if (record.kind !== 'octets') return notRead(publicFile, record)
  if (!names.has(`${base}.private`))
    return readPublicAlone({ file: publicFile, octets: record.octets }, base)
  const secret = await readRegularFile(privateFile, { maxOctets: maxFileOctets })
  if (secret.kind !== 'octets') return notRead(privateFile, secret)
  const open = openness(privateFile, secret.mode)
  const pair = readKeyPair(
    { file: publicFile, octets: record.octets },
    { file: privateFile, octets: secret.octets },
  )
  if (pair.kind === 'bad') return noKey(...open, ...pair.diagnostics)
  const right = keyFileName(pair.key)
  if (right !== base) return noKey(misnamed(publicFile, right))
  return { key: pair.key, diagnostics: open }
}

/** Of a key that is kept offline; of others the private key is needed here. */
function readPublicAlone(file: KeyFile, base: string): PairRead {
  const read = readPublicKey(file)
  if (read.kind === 'bad') return noKey(...read.diagnostics)
  const { zone, algorithm, flags, dnskey } = read
  const key = { zone, algorithm, flags, dnskey, tag: keyTagOf(dnskey) }
  if (keyFileName(key) !== base) return noKey(misnamed(file.file, keyFileName(key)))
  if (isEntryPoint(key)) return { ...noKey(), publicKey: key }
  const message = 'the file .private of the same name is missing beside it'
  return noKey(keyDiagnostic(file.file, 0, 'key-pair', message))
}

const misnamed = (file: string, right: string): Diagnostic =>
  keyDiagnostic(file, 0, 'bad-key', `the key in it is that of ${right}.key`)

const unreadable = (file: string, failure: FileFailure): Diagnostic =>
  keyDiagnostic(file, 0, 'unreadable-file', `cannot read it: ${describeFailure(failure)}`)

/** A private key that others may read or write is no secret. Its group may: mounts of Kubernetes have one to share it. */
function openness(file: string, mode: number): readonly Diagnostic[] {
  if ((mode & 0o077) === 0) return []
  const isOpen = (mode & 0o007) !== 0
  const whom = isOpen ? 'others than its owner and group' : 'its group'
  const message = `open to ${whom} (mode ${mode.toString(8).padStart(4, '0')}), expected 0600`
  const diagnostic = keyDiagnostic(file, 0, 'key-open-to-others', message)
  return [isOpen ? diagnostic : { ...diagnostic, severity: 'warning' }]
}

export type KeyWritten =
  | { readonly kind: 'written'; readonly name: string }
  /** `why` is for people. */
  | { readonly kind: 'failed'; readonly why: string }

/** Whose a file is and who may read it. `owner` null: of who writes it. */
interface FileAccess {
  readonly owner: { readonly uid: number; readonly gid: number } | null
  readonly mode: number
}

/**
 * Writes the two files of a new key, the `.key` last and at once. The folder is made if it is missing, for its owner alone.
 * An existing key is never replaced. `like`: a key of the folder whose files' owner, group and mode these get; without it they
 * are of who writes them alone.
 */
export async function writeKey(folder: string, key: ZoneKey, like?: ZoneKey): Promise<KeyWritten> {
  const name = keyFileName(key)
  const texts = keyFileTexts(key)
  const written: string[] = []
  return whatFailed(folder, written, async () => {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const [forPublic, forPrivate] = await Promise.all([
      accessLike(folder, like, 'key'),
      accessLike(folder, like, 'private'),
    ])
    await write(written, join(folder, `${name}.private`), texts.private, forPrivate)
    const partFile = join(folder, `.${name}.key.new`)
    await write(written, partFile, texts.public, forPublic)
    await rename(partFile, join(folder, `${name}.key`))
    written.length = 0
    await sync(folder)
    return name
  })
}

/**
 * Writes other times into the two files of a key, each at once, `.private` first since its times count. Owner, group and mode stay,
 * as does all else that is in them. A writer that is cut off leaves files beside, which the next one replaces.
 */
export async function writeTimes(
  folder: string,
  key: ZoneKey,
  times: KeyTimes,
): Promise<KeyWritten> {
  const name = keyFileName(key)
  const written: string[] = []
  const replace = async (
    ending: 'key' | 'private',
    change: (text: string, times: KeyTimes) => string,
  ): Promise<void> => {
    const file = join(folder, `${name}.${ending}`)
    const text = (await readFile(file)).toString('latin1')
    const partFile = join(folder, `.${name}.${ending}.new`)
    await rm(partFile, { force: true })
    await write(written, partFile, change(text, times), await accessLike(folder, key, ending))
    await rename(partFile, file)
    written.length = 0
  }
  return whatFailed(folder, written, async () => {
    await replace('private', withOtherTimes)
    await replace('key', withOtherComments)
    await sync(folder)
    return name
  })
}

async function accessLike(
  folder: string,
  like: ZoneKey | undefined,
  ending: 'key' | 'private',
): Promise<FileAccess> {
  if (like === undefined) return { owner: null, mode: ending === 'private' ? 0o600 : 0o644 }
  const { uid, gid, mode } = await stat(join(folder, `${keyFileName(like)}.${ending}`))
  return { owner: { uid, gid }, mode: mode & (ending === 'private' ? 0o660 : 0o664) }
}

/** Runs `work`, which fills `written` with files that are to be removed if it fails. */
async function whatFailed(
  folder: string,
  written: readonly string[],
  work: () => Promise<string>,
): Promise<KeyWritten> {
  try {
    return { kind: 'written', name: await work() }
  } catch (error) {
    for (const file of written) await rm(file, { force: true })
    const { code, path } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    const why = code === 'EEXIST' ? 'it is there already' : describeFailure(failureOf(error))
    return { kind: 'failed', why: `cannot write ${path ?? folder}: ${why}` }
  }
}

async function write(
  written: string[],
  file: string,
  text: string,
  access: FileAccess,
): Promise<void> {
  const handle = await open(file, newFile, 0o600)
  written.push(file)
  await writeWhole(handle, text, access)
}

const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** The mode is set whatever the umask is; the owner where it is another's, which root alone may. */
async function writeWhole(
  handle: FileHandle,
  text: string,
  { owner, mode }: FileAccess,
): Promise<void> {
  try {
    await handle.writeFile(text, 'latin1')
    if (owner !== null && process.geteuid?.() === 0) await handle.chown(owner.uid, owner.gid)
    await handle.chmod(mode)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** So that the names are on disk too when the operator is told of the key. */
async function sync(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
