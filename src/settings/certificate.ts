// The certificate of DNS over TLS and its key, read from their files and tried out: a pair that is not whole is never
// put in force. Mistakes name the file; nothing of a key is ever shown.

import { createPrivateKey, X509Certificate } from 'node:crypto'
import { basename, dirname } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../lib/clock.ts'
import { fileDiagnostic } from '../zonefile/document.ts'
import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { readOne } from '../zonefile/read-folder.ts'
import { type FileWatch, watchFiles } from '../zonefile/watch-files.ts'
import type { LastReload } from '../zonefile/zone-keeper.ts'
import type { TlsFiles } from './stream-settings.ts'

interface Certificate {
  /** PEM. */
  readonly pair: { readonly certificate: string; readonly key: string }
  readonly expiresAtSeconds: number
}

type ReadCertificate =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

export async function readCertificate(files: TlsFiles): Promise<ReadCertificate> {
  const certificate = await readOne(files.certificate)
  if (certificate.kind === 'bad') return certificate
  const key = await readOne(files.key)
  if (key.kind === 'bad') return key
  return tryOut(files, textOf(certificate.octets), textOf(key.octets))
}

const textOf = (octets: Uint8Array): string => new TextDecoder().decode(octets)

function tryOut(files: TlsFiles, certificate: string, key: string): ReadCertificate {
  let shown: X509Certificate
  try {
    // The whole chain is tried, and the first of it, as it is shown to clients, is looked at.
    createSecureContext({ cert: certificate })
    shown = new X509Certificate(certificate)
  } catch {
    return bad(files.certificate, 'no certificate in PEM form')
  }
  try {
    // An empty file is no key to this one; to TLS it would be a server without one.
    createPrivateKey(key)
  } catch {
    return bad(files.key, 'no private key in PEM form, or one with a passphrase')
  }
  try {
    createSecureContext({ cert: certificate, key })
  } catch {
    return bad(files.key, `the key is not that of ${files.certificate}`)
  }
  const expiresAtSeconds = Date.parse(shown.validTo) / 1000
  return { kind: 'certificate', certificate: { pair: { certificate, key }, expiresAtSeconds } }
}

const bad = (file: string, message: string): ReadCertificate => ({
  kind: 'bad',
  diagnostic: fileDiagnostic(file, 'bad-certificate', message),
})

// Keeps the certificate in force. A pair that cannot be used changes nothing: the old one goes on, and expires one day.

export type CertificateLoaded =
  | { readonly kind: 'renewed'; readonly certificate: Certificate }
  /** What is on disk is what is in force. */
  | { readonly kind: 'same' }
  | Extract<ReadCertificate, { kind: 'bad' }>

export interface CertificateKeeper {
  readonly files: TlsFiles
  /** Reads the files. Calls do not overlap: one that comes during another waits for it. */
  load(): Promise<CertificateLoaded>
  /** null until the first one was loaded. */
  current(): Certificate | null
  lastReload(): LastReload
}

export function createCertificateKeeper(files: TlsFiles, clock: Clock): CertificateKeeper {
  let inForce: Certificate | null = null
  let last: LastReload = { successful: false, successAtSeconds: 0 }
  let queue: Promise<unknown> = Promise.resolve()

  const loadNow = async (): Promise<CertificateLoaded> => {
    const read = await readCertificate(files)
    if (read.kind === 'bad') {
      last = { ...last, successful: false }
      return read
    }
    last = { successful: true, successAtSeconds: Math.floor(clock.wallMs() / 1000) }
    if (inForce !== null && isSame(inForce, read.certificate)) return { kind: 'same' }
    inForce = read.certificate
    return { kind: 'renewed', certificate: inForce }
  }
  return {
    files,
    load() {
      const next = queue.then(loadNow)
      queue = next.catch(() => {})
      return next
    },
    current: () => inForce,
    lastReload: () => last,
  }
}

const isSame = (one: Certificate, other: Certificate): boolean =>
  one.pair.certificate === other.pair.certificate && one.pair.key === other.pair.key

// Tells when the certificate's files change; the folders are watched, since links and renames change what is in them.

/** A renewal that writes two files calls back twice, the first time perhaps to half of a pair. */
export async function watchCertificate(
  { certificate, key }: TlsFiles,
  onChange: () => void,
): Promise<FileWatch> {
  const watches: FileWatch[] = []
  for (const folder of new Set([dirname(certificate), dirname(key)])) {
    const names = [certificate, key].filter((file) => dirname(file) === folder).map(nameOf)
    watches.push(await watchFiles(folder, (name) => names.includes(name), onChange))
  }
  return { close: () => watches.forEach((watch) => watch.close()) }
}

const nameOf = (file: string): string => basename(file)
