// The certificate of DNS over TLS and its private key. A pair is checked before it is used, and a
// bad one never replaces a good one. Diagnostics name the file and never show anything of the key.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../lib/clock.ts'
import { fileDiagnostic } from '../zonefile/document.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { readSmallFile } from '../zonefile/read-folder.ts'
import {
  type FileWatch,
  type FolderLook,
  lookAtFolder,
  watchFiles,
} from '../zonefile/watch-files.ts'
import type { LastReload } from '../zonefile/zone-keeper.ts'
import type { TlsFiles } from './stream-settings.ts'

interface Certificate {
  /** Texts of the PEM files. */
  readonly pair: { readonly certificate: string; readonly key: string }
  readonly expiresAtSeconds: number
}

type ReadCertificate =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/** Reads and checks the pair. */
export async function readCertificate(files: TlsFiles): Promise<ReadCertificate> {
  const certificate = await readSmallFile(files.certificate)
  if (certificate.kind === 'bad') return certificate
  const key = await readSmallFile(files.key)
  if (key.kind === 'bad') return key
  return checkPair(files, textOf(certificate.octets), textOf(key.octets))
}

const textOf = (octets: Uint8Array): string => new TextDecoder().decode(octets)

/** Checks the texts of the pair; `files` are named in diagnostics. */
export function checkPair(files: TlsFiles, certificate: string, key: string): ReadCertificate {
  let leaf: X509Certificate
  try {
    // The context checks the whole chain; X509Certificate reads its first certificate.
    createSecureContext({ cert: certificate })
    leaf = new X509Certificate(certificate)
  } catch {
    return bad(files.certificate, 'no certificate in PEM form')
  }
  try {
    // createSecureContext takes an empty file for a server without a key; this rejects it.
    createPrivateKey(key)
  } catch {
    return bad(files.key, 'no private key in PEM form, or one with a passphrase')
  }
  try {
    createSecureContext({ cert: certificate, key })
  } catch {
    return bad(files.key, `the key is not that of ${files.certificate}`)
  }
  const expiresAtSeconds = Date.parse(leaf.validTo) / 1000
  if (Number.isNaN(expiresAtSeconds))
    return bad(files.certificate, 'it does not say until when it is valid')
  return { kind: 'certificate', certificate: { pair: { certificate, key }, expiresAtSeconds } }
}

const bad = (file: string, message: string): ReadCertificate => ({
  kind: 'bad',
  diagnostic: fileDiagnostic(file, 'bad-certificate', message),
})

// The certificate in use, and its replacement when the files change.

export type CertificateLoaded =
  | { readonly kind: 'renewed'; readonly certificate: Certificate }
  /** The files have the pair that is in use. */
  | { readonly kind: 'same' }
  | Extract<ReadCertificate, { kind: 'bad' }>

/**
 * Holds the certificate in use. A pair that cannot be used changes nothing: the old one stays until
 * it expires.
 */
export interface CertificateKeeper {
  readonly files: TlsFiles
  /** Reads the files again. Concurrent calls run one after another. */
  load(): Promise<CertificateLoaded>
  /** null until a pair has been loaded. */
  current(): Certificate | null
  lastReload(): LastReload
  /** Why the last pair could not be used; null: it could. */
  mistake(): Diagnostic | null
}

export function createCertificateKeeper(files: TlsFiles, clock: Clock): CertificateKeeper {
  let inUse: Certificate | null = null
  let last: LastReload = { successful: false, successAtSeconds: 0 }
  let mistake: Diagnostic | null = null
  let queue: Promise<unknown> = Promise.resolve()

  const loadNow = async (): Promise<CertificateLoaded> => {
    const read = await readCertificate(files)
    if (read.kind === 'bad') {
      last = { ...last, successful: false }
      mistake = read.diagnostic
      return read
    }
    last = { successful: true, successAtSeconds: Math.floor(clock.wallMs() / 1000) }
    mistake = null
    if (inUse !== null && isSame(inUse, read.certificate)) return { kind: 'same' }
    inUse = read.certificate
    return { kind: 'renewed', certificate: inUse }
  }
  return {
    files,
    load() {
      const next = queue.then(loadNow)
      queue = next.catch(() => {})
      return next
    },
    current: () => inUse,
    lastReload: () => last,
    mistake: () => mistake,
  }
}

const isSame = (a: Certificate, b: Certificate): boolean =>
  a.pair.certificate === b.pair.certificate && a.pair.key === b.pair.key

/** By folder. */
export type CertificateLooks = ReadonlyMap<string, FolderLook>

/** A look at the files, to be taken before they are read. */
export async function lookAtCertificate(files: TlsFiles): Promise<CertificateLooks> {
  const looks = new Map<string, FolderLook>()
  for (const folder of foldersOf(files))
    looks.set(folder, await lookAtFolder(folder, isOneOf(files, folder)))
  return looks
}

/**
 * Calls back when either file changes, or has changed after the looks `since`. The folders are
 * watched, so that a file replaced by a rename or a link is noticed. A renewal that writes two files
 * may call back twice, the first time between the two.
 */
export async function watchCertificate(
  files: TlsFiles,
  onChange: () => void,
  since?: CertificateLooks,
): Promise<FileWatch> {
  const watches: FileWatch[] = []
  for (const folder of foldersOf(files))
    watches.push(await watchFiles(folder, isOneOf(files, folder), onChange, since?.get(folder)))
  return { close: () => watches.forEach((watch) => watch.close()) }
}

const foldersOf = ({ certificate, key }: TlsFiles): ReadonlySet<string> =>
  new Set([dirname(certificate), dirname(key)])

function isOneOf({ certificate, key }: TlsFiles, folder: string): (name: string) => boolean {
  const names = [certificate, key]
    .filter((file) => dirname(file) === folder)
    .map((file) => basename(file))
  return (name) => names.includes(name)
}
