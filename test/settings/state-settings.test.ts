import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'
import { type Settings, loadSettings } from '../../src/settings/settings.ts'
import { parseStoreUrl } from '../../src/settings/store-url.ts'

const scratch = mkdtempSync(join(tmpdir(), 'mxsteer-state-'))
afterAll(() => rmSync(scratch, { recursive: true }))

const written = (name: string, text: string): string => {
  const file = join(scratch, name)
  writeFileSync(file, text)
  return file
}

const load = (text: string, env: Readonly<Record<string, string>> = {}) =>
  loadSettings({ flags: {}, env, configFile: written('mxsteer.yaml', text) })

async function stateOf(
  text: string,
  env?: Readonly<Record<string, string>>,
): Promise<Settings['state']> {
  const loaded = await load(text, env)
  if (loaded.kind === 'rejected') throw new Error(JSON.stringify(loaded.diagnostics))
  return loaded.settings.state
}

const plain = { isTls: false, username: null, password: null, database: 0 }

test.each([
  ['redis://store', { ...plain, where: { kind: 'one', host: 'store', port: 6379 } }],
  [
    'redis://[::1]:7000/3',
    { ...plain, where: { kind: 'one', host: '::1', port: 7000 }, database: 3 },
  ],
  [
    'rediss://me:a%40b%3A@10.0.0.1',
    {
      isTls: true,
      username: 'me',
      password: 'a@b:',
      database: 0,
      where: { kind: 'one', host: '10.0.0.1', port: 6379 },
    },
  ],
  [
    'redis://:secret@h',
    { ...plain, password: 'secret', where: { kind: 'one', host: 'h', port: 6379 } },
  ],
  [
    'redis+sentinel://a,b:7,[::2]/mail',
    {
      ...plain,
      where: {
        kind: 'sentinel',
        name: 'mail',
        sentinels: [
          { host: 'a', port: 26_379 },
          { host: 'b', port: 7 },
          { host: '::2', port: 26_379 },
        ],
      },
    },
  ],
  [
    'redis+cluster://a,b:7000,[::2]:7001',
    {
      ...plain,
      where: {
        kind: 'cluster',
        seeds: [
          { host: 'a', port: 6379 },
          { host: 'b', port: 7000 },
          { host: '::2', port: 7001 },
        ],
      },
    },
  ],
  [
    'rediss+cluster://me:pw@a/0',
    {
      isTls: true,
      username: 'me',
      password: 'pw',
      database: 0,
      where: { kind: 'cluster', seeds: [{ host: 'a', port: 6379 }] },
    },
  ],
])('%s', (url, expected) => {
  expect(parseStoreUrl(url)).toEqual(expected)
})

test.each([
  'redis://',
  'redis:///0',
  'redis://h:0',
  'redis://h:65536',
  'redis://h/x',
  'redis://h/0/1',
  'redis://h?db=1',
  'redis://a,b',
  'redis+cluster://',
  'redis+cluster://a/1',
  'redis+cluster://a/mail',
  'redis+cluster://a,,b',
  `redis+cluster://${Array.from({ length: 17 }, (_, i) => `h${i}`).join(',')}`,
  'redis://a@b@c',
  'redis://%zz@h',
  'redis+sentinel://a',
  'redis+sentinel://a,/mail',
  `redis+sentinel://${Array.from({ length: 17 }, (_, i) => `h${i}`).join()}/mail`,
  'http://h',
  `redis://${'h'.repeat(3000)}`,
])('%s is no store', (url) => {
  expect(parseStoreUrl(url)).toBeNull()
})

describe('the settings of shared state', () => {
  it('have defaults', async () => {
    expect(await stateOf('state: redis://store')).toEqual({
      address: {
        where: { kind: 'one', host: 'store', port: 6379 },
        username: null,
        password: null,
        database: 0,
        tls: null,
        sentinelUsername: null,
        sentinelPassword: null,
      },
      namespace: 'default',
      heartbeatMs: 3000,
      vantages: 3,
      peerHoldMs: 300_000,
      seals: null,
    })
  })

  it('come from the file, from files it names, and from the environment', async () => {
    const ca = written('ca.pem', 'CA')
    const secret = written('secret', 'from-file\nsecond line\n')
    const text = `
state: rediss://url-user:url-password@store:1234/2
state_namespace: prod
state_username: me
state_password_file: ${secret}
state_ca: ${ca}
state_server_name: store.example
state_heartbeat: 1s
peer_hold: 2m
`
    const state = await stateOf(text, { MXSTEER_VANTAGES: '5' })
    expect(state).toMatchObject({
      address: {
        username: 'me',
        password: 'from-file',
        database: 2,
        tls: { ca: 'CA', servername: 'store.example' },
      },
      namespace: 'prod',
      heartbeatMs: 1000,
      vantages: 5,
      peerHoldMs: 120_000,
    })
    const over = await stateOf(text, { MXSTEER_STATE_PASSWORD: 'from-env' })
    expect(over).toMatchObject({ address: { password: 'from-env' } })
  })

  it.each([
    ['state: redis://store\nvantages: 8\n', 'a count from 1 to 7'],
    ['state: redis://store\nstate_heartbeat: 1m\n', 'a duration from 200ms to 30s'],
    ['state: redis://store\nstate_server_name: x\n', 'expected a rediss:// URL'],
    [`state: redis://store\nstate_password_file: ${join(scratch, 'none')}\n`, 'none'],
    ['state: redis://store\nstate_password: ""\n', 'expected 1 to 512 characters'],
  ])('are refused where they are wrong: %j', async (text, words) => {
    const loaded = await load(text)
    expect(loaded.kind).toBe('rejected')
    expect(JSON.stringify(loaded)).toContain(words)
  })

  it('never show a password, whatever else is wrong on its line', async () => {
    const loaded = await load(
      '{ state: "redis://:hunter2@store", state_password: hunter2, state_sentinel_password: hunter2, workers: 0 }\n',
    )
    expect(loaded.kind).toBe('rejected')
    expect(JSON.stringify(loaded)).not.toContain('hunter2')
  })
})

describe('secrets of the records', () => {
  const [a, b, c] = ['first', 'second', 'third'].map(
    (name) => `${name}-secret-of-the-fleet-0123456789`,
  )
  const sealsOf = async (text: string, env?: Readonly<Record<string, string>>) => {
    const state = await stateOf(`state: redis://store\n${text}`, env)
    const { secrets, mode } = (state === 'memory' ? null : state.seals) ?? {
      secrets: [],
      mode: null,
    }
    return { secrets: secrets.map((one) => new TextDecoder().decode(one)), mode }
  }

  it('are those of the setting, then those of the file', async () => {
    const file = written('state-secrets', `# staged\n${b}\n\n  ${c}\r\n`)
    expect(await sealsOf(`state_secret: "${a}"`)).toEqual({ secrets: [a], mode: 'require' })
    expect(await sealsOf(`state_secret: ["${a}", "${b}"]\nstate_secret_mode: permit`)).toEqual({
      secrets: [a, b],
      mode: 'permit',
    })
    expect(await sealsOf(`state_secret_file: ${file}`, { MXSTEER_STATE_SECRET: a ?? '' })).toEqual({
      secrets: [a, b, c],
      mode: 'require',
    })
    expect((await sealsOf('', { MXSTEER_STATE_SECRET: `${a},${b}` })).secrets).toEqual([a, b])
  })

  const short = 'only-31-characters-0123456789ab'
  it.each([
    ['a short one', `state_secret: "${short}"`],
    ['a short one in a list', `state_secret: ["${a}", "${short}"]`],
    ['one with a space', `state_secret: "${a} x"`],
    ['one with a comma', `state_secret: "${a},x"`],
    ['one that is too long', `state_secret: "${'x'.repeat(257)}"`],
    ['a number', `state_secret: ${'1'.repeat(40)}`],
    ['a short one in a file', `state_secret_file: ${written('short-secret', `${a}\n${short}\n`)}`],
    ['none in a file', `state_secret_file: ${written('no-secrets', '# nothing yet\n')}`],
    ['no file', `state_secret_file: ${join(scratch, 'nowhere')}`],
    ['nine', `state_secret: [${Array.from({ length: 9 }, () => `"${a}"`).join()}]`],
    ['another mode', `state_secret: "${a}"\nstate_secret_mode: off`],
  ])('%s is refused, and not shown', async (_, text) => {
    const loaded = await load(`state: redis://store\n${text}\n`)
    expect(loaded.kind).toBe('rejected')
    const shown = JSON.stringify(loaded)
    for (const hidden of [a, short, '1111']) expect(shown).not.toContain(hidden)
    expect(loaded).toMatchObject({ diagnostics: [{ severity: 'error' }] })
  })
})
