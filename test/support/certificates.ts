// Certificates for tests, made by openssl: an authority of our own, and what it signs, valid for 60 days.

import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'

import { temporaryFolder } from './server.ts'

export interface MadeCertificate {
  readonly key: string
  readonly cert: string
}

export interface Authority extends MadeCertificate {
  /** With the authority's own behind it, as RFC 7671 §5.2 asks for usage 2. */
  sign(names: readonly string[]): MadeCertificate
}

export const certificateDays = 60

const openssl = (...words: readonly string[]): void => {
  execFileSync('openssl', words, { stdio: ['ignore', 'ignore', 'pipe'] })
}

export function createAuthority(): Authority {
  const folder = temporaryFolder()
  const at = (name: string): string => join(folder, name)
  const read = (name: string): string => readFileSync(at(name), 'utf8')
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-subj',
    '/CN=Test Authority',
    '-days',
    `${certificateDays}`,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
  )
  let made = 0
  return {
    key: read('ca.key'),
    cert: read('ca.pem'),
    sign(names) {
      const own = `leaf${made++}`
      openssl(
        'req',
        ...newKey,
        '-subj',
        `/CN=${names[0]}`,
        '-keyout',
        at(`${own}.key`),
        '-out',
        at(`${own}.csr`),
      )
      writeFileSync(
        at(`${own}.ext`),
        `subjectAltName=${names.map((n) => `${isIP(n) ? 'IP' : 'DNS'}:${n}`).join(',')}\n`,
      )
      openssl(
        'x509',
        '-req',
        '-in',
        at(`${own}.csr`),
        '-CA',
        at('ca.pem'),
        '-CAkey',
        at('ca.key'),
        '-CAcreateserial',
        '-days',
        `${certificateDays}`,
        '-extfile',
        at(`${own}.ext`),
        '-out',
        at(`${own}.pem`),
      )
      return { key: read(`${own}.key`), cert: read(`${own}.pem`) + read('ca.pem') }
    },
  }
}
