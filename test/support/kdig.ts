// kdig, Knot's client, which speaks DNS over TLS and transfers; what it prints, bounded in time.

import { execFile } from 'node:child_process'

/** Asks 127.0.0.1:`port`; the rest is as on kdig's command line. */
export const kdig = (port: number, ...question: string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    const args = ['@127.0.0.1', '-p', String(port), '+retry=0', '+time=5', ...question]
    execFile(
      'kdig',
      args,
      { timeout: 10_000, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`kdig ${args.join(' ')}: ${error.message}\n${stdout}${stderr}`))
        else resolve(stdout)
      },
    )
  })
