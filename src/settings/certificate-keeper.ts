// Keeps the certificate in force. A pair that cannot be used changes nothing: the old one goes on, and expires one day.

import type { Clock } from '../lib/clock.ts'
import { type Certificate, type ReadCertificate, readCertificate } from './certificate.ts'
import type { LastReload } from '../zonefile/zone-keeper.ts'
import type { TlsFiles } from './stream-settings.ts'

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
