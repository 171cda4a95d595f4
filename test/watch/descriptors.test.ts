// A process that really has run out of descriptors must blame itself, not the target (law 5).

import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { startScriptedMta } from '../support/scripted-mta.ts'

const source = (path: string): string =>
  JSON.stringify(fileURLToPath(new URL(`../../src/${path}`, import.meta.url)))

test('EMFILE: self', async () => {
  const mta = await startScriptedMta([{ send: '220 mx\r\n' }])
  const program = `
    import { openSync } from 'node:fs'
    import { probeAddress } from ${source('probe/smtp/smtp-probe.ts')}
    import { systemClock } from ${source('lib/clock.ts')}
    import { profileDefaults } from ${source('probe/smtp/profile.ts')}
    const profile = { ...profileDefaults, port: ${mta.port}, level: 'banner', ehlo: 'x', connectTimeoutMs: 500,
      bannerTimeoutMs: 500, commandTimeoutMs: 200 }
    const probe = () => probeAddress({ address: '127.0.0.1', profile }, systemClock)
    const before = await probe()
    const taken = []
    try { for (;;) taken.push(openSync('/dev/null', 'r')) } catch {}
    const { kind, reason } = await probe()
    console.log(before.kind, kind, reason)`
  try {
    const command = `ulimit -n 64; exec "$0" --input-type=module -e "$1"`
    const { stdout } = await promisify(execFile)('sh', ['-c', command, process.execPath, program])
    expect(stdout.trim()).toBe('ok self local-descriptors')
  } finally {
    await mta.close()
  }
})
