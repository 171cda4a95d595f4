// A certificate of its own for a test, made by openssl.

import { execFileSync } from 'node:child_process'
import { copyFileSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import { temporaryFolder } from './server.ts'

export interface TestCertificate {
  /** Paths. */
  readonly certificate: string
  readonly key: string
  /** What is in them. */
  readonly pair: { readonly certificate: string; readonly key: string }
}

/** Self-signed, for `name`. */
export function makeCertificate(name: string, days = 30): TestCertificate {
  const folder = temporaryFolder()
  const certificate = join(folder, 'certificate.pem')
  const key = join(folder, 'key.pem')
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  const subject = [
    '-subj',
    `/CN=${name}`,
    '-addext',
    `subjectAltName=DNS:${name}`,
    '-days',
    `${days}`,
  ]
  execFileSync(
    'openssl',
    ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', certificate],
    {
      stdio: 'ignore',
    },
  )
  const read = (file: string): string => readFileSync(file, 'utf8')
  return { certificate, key, pair: { certificate: read(certificate), key: read(key) } }
}

/** Puts a file where another one was, as renewal tools do it: by rename. */
export function replaceFile(from: string, to: string): void {
  copyFileSync(from, `${to}.new`)
  renameSync(`${to}.new`, to)
}
