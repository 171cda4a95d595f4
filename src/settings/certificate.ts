// The certificate of DNS over TLS and its key, read from their files and tried out: a pair that is not whole is never
// put in force. Mistakes name the file; nothing of a key is ever shown.

import { X509Certificate, createPrivateKey } from 'node:crypto'
import { createSecureContext } from 'node:tls'

import { fileMistake } from '../zonefile/document.ts'
import type { Mistake } from '../zonefile/mistake.ts'
import { readOne } from '../zonefile/read-folder.ts'
import type { TlsFiles } from './stream-settings.ts'

export interface Certificate {
  /** PEM. */
  readonly pair: { readonly certificate: string; readonly key: string }
  readonly expiresAtSeconds: number
}

export type ReadCertificate =
  | { readonly kind: 'certificate'; readonly certificate: Certificate }
  | { readonly kind: 'bad'; readonly mistake: Mistake }

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
  mistake: fileMistake(file, 'bad-certificate', message),
})
