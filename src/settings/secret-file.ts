// Files of secrets, one a line, as `cookie_secret_file` and `state_secret_file` name them.

import type { Diagnostic } from '../zonefile/diagnostic.ts'
import { readSmallFile } from '../zonefile/read-folder.ts'

type SecretLinesRead =
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  | { readonly kind: 'bad'; readonly diagnostic: Diagnostic }

/**
 * One secret a line, at least one; empty lines and lines that start with # are skipped. `expected` completes the message
 * about a line that does not match, which never shows what the line has instead.
 */
export async function readSecretFile(
  file: string,
  pattern: RegExp,
  expected: string,
): Promise<SecretLinesRead> {
  const read = await readSmallFile(file)
  if (read.kind === 'bad') return read
  const secrets: string[] = []
  const lines = new TextDecoder().decode(read.octets).split('\n')
  for (const [i, line] of lines.entries()) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    if (!pattern.test(text)) return badSecret(file, i + 1, `expected ${expected}`)
    secrets.push(text)
  }
  return secrets.length === 0
    ? badSecret(file, 0, 'no secret in it')
    : { kind: 'lines', lines: secrets }
}

/** `line`: 0 for the file as a whole. */
const badSecret = (file: string, line: number, message: string): SecretLinesRead => ({
  kind: 'bad',
  diagnostic: {
    severity: 'error',
    code: 'bad-value',
    file,
    line,
    column: line === 0 ? 0 : 1,
    path: '',
    excerpt: '',
    message,
  },
})
