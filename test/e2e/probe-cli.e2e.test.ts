// `mxsteer probe` at every level, as a process of its own, against an MTA that does what a script says.

import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'

import { createAuthority } from '../support/certificates.ts'
import { type ScriptedMta, type Step, startScriptedMta } from '../support/scripted-mta.ts'
import { mainFile, temporaryFolder } from '../support/server.ts'

const authority = createAuthority()
const roots = join(temporaryFolder(), 'roots.pem')
writeFileSync(roots, authority.cert)
const certificate = authority.sign(['mx1.example.test'])

let mta: ScriptedMta | null = null
afterEach(async () => {
  await mta?.close()
  mta = null
})

interface Ran {
  readonly code: number
  readonly said: readonly string[]
  readonly last: string
}

const run = (...args: readonly string[]): Promise<Ran> =>
  new Promise((resolve) => {
    const words = [mainFile, 'probe', ...args, '--ehlo', 'probe.example.test']
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: roots }
    execFile(process.execPath, words, { env }, (error, stdout) => {
      const lines = stdout.trimEnd().split('\n')
      resolve({
        code: typeof error?.code === 'number' ? error.code : 0,
        said: lines.flatMap((line) => / ms > (.*)$/.exec(line)?.[1] ?? []),
        last: (lines.at(-1) ?? '').replace(/ ms=\d+$/, ''),
      })
    })
  })

const replies = (...pairs: readonly (readonly [string, string])[]): readonly Step[] =>
  pairs.flatMap(([command, reply]) => [{ expect: command }, { send: `${reply}\r\n` }])

const greeting: Step = { send: '220 mx1.example.test ESMTP\r\n' }
const ehlo = ['EHLO', '250-mx1.example.test\r\n250 STARTTLS'] as const
const quit = ['QUIT', '221 bye'] as const
const ok = ['MAIL', '250 ok'] as const
const hello = 'EHLO probe.example.test'

it.each<[string, readonly string[], readonly Step[], readonly string[], string]>([
  ['connect', [], [greeting], [], 'kind=ok reason=ok'],
  ['banner', [], [greeting, ...replies(quit)], ['QUIT'], 'kind=ok reason=ok code=220'],
  ['ehlo', [], [greeting, ...replies(ehlo, quit)], [hello, 'QUIT'], 'kind=ok reason=ok code=250'],
  [
    'mail',
    [],
    [greeting, ...replies(ehlo, ok, ['RSET', '250 ok'], quit)],
    [hello, 'MAIL FROM:<>', 'RSET', 'QUIT'],
    'kind=ok reason=ok code=250',
  ],
  [
    'rcpt',
    ['--recipient', 'canary@example.test', '--sender', 'probe@example.test'],
    [greeting, ...replies(ehlo, ok, ['RCPT', '550 no'], ['RSET', '250 ok'], quit)],
    [hello, 'MAIL FROM:<probe@example.test>', 'RCPT TO:<canary@example.test>', 'RSET', 'QUIT'],
    'kind=refusing reason=rcpt-refusing code=550',
  ],
  [
    'tls',
    ['--name', 'mx1.example.test'],
    [greeting, ...replies(ehlo, ['STARTTLS', '220 go']), 'secure', ...replies(ehlo, quit)],
    [hello, 'STARTTLS', hello, 'QUIT'],
    'kind=ok reason=ok code=250 tls=TLSv1.3 dane=none days=59',
  ],
  [
    'tls',
    ['--name', 'other.example.test', '--tls', 'implicit'],
    ['secure', greeting, ...replies(ehlo, quit)],
    [hello, 'QUIT'],
    'kind=tls reason=certificate-name code=250 tls=TLSv1.3 dane=none days=59',
  ],
])('level %s %j', async (level, flags, script, said, last) => {
  mta = await startScriptedMta(script, certificate)
  const ran = await run(`127.0.0.1:${mta.port}`, '--level', level, ...flags)
  expect(ran).toEqual({ code: last.startsWith('kind=ok') ? 0 : 1, said, last })
})

it('sends a PROXY header with the addresses of its own connection', async () => {
  mta = await startScriptedMta([{ expect: 'PROXY' }, greeting, ...replies(quit)])
  const { port } = mta
  const flags = ['--level', 'banner', '--proxy', 'v1', '--source', '127.0.4.1']
  expect((await run(`127.0.0.1:${port}`, ...flags)).last).toBe('kind=ok reason=ok code=220')
  expect(mta.exchanged[0]?.text).toMatch(
    new RegExp(`^PROXY TCP4 127\\.0\\.4\\.1 127\\.0\\.0\\.1 \\d+ ${port}\r\n$`),
  )
})
