// The command line: exit codes, and what it says where.

import { createSocket } from 'node:dgram'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { type Server, createServer } from 'node:net'
import { join } from 'node:path'

import { afterEach, describe, expect, it } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { garbage, mute, startOddMta } from '../support/odd-mtas.ts'
import { createPostfix } from '../support/postfix.ts'
import { launch, projectFolder, temporaryFolder } from '../support/server.ts'

const goodZone = `
zone: cli.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
`

interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command that ends by itself, within 20 s. */
async function run(...args: string[]): Promise<Ran> {
  const child = launch(args)
  const overdue = setTimeout(() => child.signal('SIGKILL'), 18_000)
  const { code } = await child.exited
  clearTimeout(overdue)
  return { code, stdout: child.stdout(), stderr: child.stderr() }
}

function zonesFolder(zones: Readonly<Record<string, string>>): string {
  const folder = join(temporaryFolder(), 'zones')
  mkdirSync(folder)
  for (const [file, text] of Object.entries(zones)) writeFileSync(join(folder, file), text)
  return folder
}

const bad = {
  'one.yaml': goodZone.replace('192.0.2.53', '192.0.2.999'),
  'two.yaml': goodZone.replace('cli.', 'two.').replace('records:', 'recordz:'),
}

describe('serve', () => {
  const closers: (() => unknown)[] = []
  afterEach(() => {
    for (const close of closers.splice(0)) close()
  })

  it('reports every problem of every file and exits 2', async () => {
    const folder = zonesFolder(bad)
    const port = await freePort()
    const { code, stderr } = await run('serve', '--zones', folder, '--listen', `127.0.0.1:${port}`)
    expect(code).toBe(2)
    expect(stderr).toMatch(/one\.yaml:6:\d+ records\.ns1\.A/)
    expect(stderr).toMatch(/two\.yaml:4:1 recordz/)
  })

  it('exits 2 where the folder is missing', async () => {
    const { code, stderr } = await run('serve', '--zones', join(temporaryFolder(), 'none'))
    expect(code).toBe(2)
    expect(stderr).toContain('none')
  })

  it.each([
    ['UDP', (port: number) => holdUdp(port)],
    ['TCP', (port: number) => holdTcp(port)],
  ])('exits 3 with one line where the %s port is in use', async (_, hold) => {
    const port = await freePort()
    closers.push(await hold(port))
    const args = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${await freePort()}`]
    const { code, stderr } = await run(
      'serve',
      '--zones',
      zonesFolder({ 'a.yaml': goodZone }),
      ...args,
    )
    expect(code).toBe(3)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toContain(`127.0.0.1:${port}`)
    expect(stderr).toContain('EADDRINUSE')
  })

  it('exits 3 with one line where the admin port is in use', async () => {
    const admin = await freePort()
    closers.push(await holdTcp(admin))
    const args = ['--listen', `127.0.0.1:${await freePort()}`, '--admin', `127.0.0.1:${admin}`]
    const { code, stderr } = await run(
      'serve',
      '--zones',
      zonesFolder({ 'a.yaml': goodZone }),
      ...args,
    )
    expect(code).toBe(3)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(stderr).toContain(`127.0.0.1:${admin}`)
  })

  it.each([[['--listen', 'nonsense']], [['--no-such-flag']], [['--workers', 'many']], [['word']]])(
    'exits 2 on %j',
    async (args) => {
      const { code, stderr } = await run(
        'serve',
        '--zones',
        zonesFolder({ 'a.yaml': goodZone }),
        ...args,
      )
      expect(code).toBe(2)
      expect(stderr).not.toBe('')
      expect(stderr).not.toMatch(/\n\s+at /)
    },
  )
})

describe('check', () => {
  it('exits 0 where all is well', async () => {
    const { code, stderr } = await run('check', zonesFolder({ 'a.yaml': goodZone }))
    expect([code, stderr]).toEqual([0, ''])
  })

  it('finds no problem in the shipped zones', async () => {
    expect(await run('check', join(projectFolder, 'zones'))).toMatchObject({ code: 0, stderr: '' })
  })

  it('exits 1 and reports every problem on standard error', async () => {
    const { code, stdout, stderr } = await run('check', zonesFolder(bad))
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/one\.yaml:6:\d+ records\.ns1\.A: .*192\.0\.2\.999/)
    expect(stderr).toMatch(/two\.yaml:4:1 recordz: /)
  })
})

describe('probe', () => {
  it('exits 0 for a Postfix that is well, and shows the dialogue', async () => {
    const port = await freePort(['127.0.0.31'])
    const postfix = await createPostfix({ name: 'mx.example.test', address: '127.0.0.31', port })
    await postfix.start()
    try {
      const ehlo = await run('probe', `127.0.0.31:${port}`, '--name', 'mx.example.test')
      expect(lastLine(ehlo.stdout)).toMatch(/^kind=ok /)
      expect(ehlo.code).toBe(0)
      expect(ehlo.stdout).toMatch(/< 220 mx\.example\.test ESMTP Postfix/)
      expect(ehlo.stdout).toMatch(/> EHLO /)
      expect(ehlo.stdout).toMatch(/< 250 /)
      expect(ehlo.stdout).not.toMatch(/note:/)
      const banner = await run(
        'probe',
        `127.0.0.31:${port}`,
        '--level',
        'banner',
        '--name',
        'other.test',
      )
      expect(banner).toMatchObject({ code: 0 })
      expect(banner.stdout).not.toContain('EHLO')
      expect(banner.stdout).toMatch(/note:.*mx\.example\.test.*other\.test/)
      expect(postfix.log()).not.toMatch(/lost connection|improper command pipelining/)
    } finally {
      await postfix.stop()
    }
  })

  it('exits 1 where nothing listens, or nothing that speaks SMTP', async () => {
    const port = await freePort(['127.0.0.32'])
    const refused = await run('probe', `127.0.0.32:${port}`)
    expect([refused.code, lastLine(refused.stdout)]).toEqual([
      1,
      expect.stringMatching(/^kind=dead reason=connect-refused/),
    ])
    const odd = await startOddMta('127.0.0.32', port, garbage)
    const strange = await run('probe', `127.0.0.32:${port}`)
    await odd.close()
    expect([strange.code, lastLine(strange.stdout)]).toEqual([
      1,
      expect.stringMatching(/^kind=garbage /),
    ])
  })

  it(
    'exits 1 within its deadlines where one listens and is mute',
    { timeout: 120_000 },
    async () => {
      const port = await freePort(['127.0.0.33'])
      const odd = await startOddMta('127.0.0.33', port, mute)
      const probe = (): ReturnType<typeof run> =>
        run('probe', `127.0.0.33:${port}`, '--level', 'banner')
      let silent = await probe()
      // A machine so busy that the probe itself came late gives no verdict; then it is asked again.
      for (let i = 0; i < 3 && lastLine(silent.stdout).startsWith('kind=self'); i++)
        silent = await probe()
      await odd.close()
      expect([silent.code, lastLine(silent.stdout)]).toEqual([
        1,
        expect.stringMatching(/^kind=mute reason=banner-timeout/),
      ])
    },
  )

  it.each([
    [[]],
    [['127.0.0.1:0']],
    [['127.0.0.1:25', '--level', 'data']],
    [['127.0.0.1:25', '--level', 'rcpt']],
    [['127.0.0.1:25', '--recipient', 'a@b.test']],
    [['127.0.0.1:25', '--proxy', 'v3']],
    [['127.0.0.1:25', '--source', 'here']],
    [['127.0.0.1:25', '--tls', 'no']],
  ])('exits 2 on %j', async (args) => {
    const { code, stdout, stderr } = await run('probe', ...args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/^mxsteer probe: .+\n$/)
  })
})

describe('mxsteer', () => {
  it('--help names the commands, --version the version', async () => {
    const help = await run('--help')
    expect(help.code).toBe(0)
    for (const word of ['serve', 'check', 'probe', 'keys rollover'])
      expect(help.stdout).toContain(`  ${word} `)
    for (const words of [
      ['serve', '--help'],
      ['help', 'serve'],
      ['serve', '-h'],
    ]) {
      const ofServe = await run(...words)
      expect(ofServe.code).toBe(0)
      for (const flag of ['--listen', '--zones', '--admin']) expect(ofServe.stdout).toContain(flag)
    }
    const { version } = JSON.parse(readFileSync(join(projectFolder, 'package.json'), 'utf8')) as {
      version: string
    }
    expect(await run('--version')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(version) as string,
    })
  })

  it.each([[[]], [['frobnicate']]])('exits 2 on %j', async (args) => {
    const { code, stderr } = await run(...args)
    expect(code).toBe(2)
    expect(stderr).toContain('--help')
  })
})

const lastLine = (text: string): string => text.trimEnd().split('\n').at(-1) ?? ''

const holdUdp = async (port: number): Promise<() => unknown> => {
  const socket = createSocket('udp4')
  await new Promise<void>((resolve) => socket.bind(port, '127.0.0.1', () => resolve()))
  return () => socket.close()
}

const holdTcp = async (port: number): Promise<() => unknown> => {
  const server: Server = createServer()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  return () => server.close()
}
