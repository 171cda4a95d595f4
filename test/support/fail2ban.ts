// What fail2ban's own filters, as Debian ships them, match in a log.

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { temporaryFolder } from './server.ts'

export interface Filtered {
  readonly lines: number
  readonly matched: readonly string[]
}

/** `filter`: a name with its mode, such as `postfix[mode=aggressive]`. */
export async function filterLog(log: string, filter: string): Promise<Filtered> {
  const file = join(temporaryFolder(), 'mail.log')
  // It leaves a last line without an end for later.
  writeFileSync(file, log.endsWith('\n') ? log : `${log}\n`)
  const words = ['--print-all-matched', '--maxlines=1', file, filter]
  // It exits 1 where nothing matches.
  const { stdout } = await promisify(execFile)('fail2ban-regex', words, {
    maxBuffer: 64 << 20,
  }).catch((error: { code?: unknown; stdout?: string }) => {
    if (error.code !== 1 || !error.stdout) throw error
    return { stdout: error.stdout }
  })
  const counts = /Lines: (\d+) lines, (\d+) ignored, (\d+) matched/.exec(stdout)
  if (!counts) throw new Error(`fail2ban-regex did not understand: ${stdout}`)
  const listed = stdout.split('|- Matched line(s):')[1] ?? ''
  const matched = [...listed.matchAll(/^\| {2}(.*)$/gm)].map(([, line]) => String(line))
  if (matched.length !== Number(counts[3])) throw new Error(`matches are not listed: ${stdout}`)
  return { lines: Number(counts[1]), matched }
}
