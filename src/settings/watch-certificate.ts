// Tells when the certificate's files change; the folders are watched, since links and renames change what is in them.

import { basename, dirname } from 'node:path'

import type { TlsFiles } from './stream-settings.ts'
import { type FileWatch, watchFiles } from '../zonefile/watch-files.ts'

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
