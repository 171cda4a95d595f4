// What commands with --json print where everything goes well, and where nothing does; and colours.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'

import { commands } from '../../../src/cli/commands/commands.ts'
import { paintFor } from '../../../src/cli/text/output.ts'
import { main } from '../../../src/main.ts'
import { freePort } from '../../support/free-ports.ts'

const folder = mkdtempSync(join(tmpdir(), 'mxsteer-json-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.unstubAllEnvs())

const keys = join(folder, 'keys')
const master = join(folder, 'db.example.test')
writeFileSync(master, '@ SOA ns1 hostmaster 1 2 3 4 5\n@ NS ns1\nns1 A 192.0.2.53\n')

async function run(
  ...argv: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  const texts = { out: '', err: '' }
  const take = (to: 'out' | 'err') => (chunk: unknown) => {
    texts[to] += String(chunk)
    return true
  }
  const output = vi.spyOn(process.stdout, 'write').mockImplementation(take('out'))
  const error = vi.spyOn(process.stderr, 'write').mockImplementation(take('err'))
  try {
    return { code: await main(argv), ...texts }
  } finally {
    output.mockRestore()
    error.mockRestore()
  }
}

async function json(...argv: readonly string[]): Promise<{ code: number; value: unknown }> {
  const { code, out } = await run(...argv, '--json')
  return { code, value: JSON.parse(out) }
}

test('health of a server that is not there', async () => {
  const port = await freePort(['127.0.0.1'])
  expect(await json('health', '--admin', `127.0.0.1:${port}`)).toEqual({
    code: 1,
    value: { alive: false, by: 'admin', why: expect.stringContaining('ECONNREFUSED') },
  })
})

test('a probe of a port where nobody is', async () => {
  const port = await freePort(['127.0.0.1'])
  const { code, value } = await json('probe', `127.0.0.1:${port}`)
  expect(code).toBe(1)
  expect(value).toMatchObject({
    host: '127.0.0.1',
    address: '127.0.0.1',
    port,
    healthy: false,
    kind: 'dead',
    reason: 'connect-refused',
    code: null,
    tls: null,
    dialogue: [{ from: '*', text: 'ECONNREFUSED' }],
  })
})

test('an import, and what its zone has to have in its parent', async () => {
  const zones = mkdtempSync(join(folder, 'zones-'))
  const file = join(zones, 'example.test.yaml')
  const printed = await json('import', master, '--zone', 'example.test')
  expect(printed.value).toMatchObject({
    zones: [
      { zone: 'example.test', file: null, yaml: expect.stringContaining('zone: example.test') },
    ],
  })
  const written = await json('import', master, '--zone', 'example.test', '--output', zones)
  expect(written).toMatchObject({ code: 0, value: { zones: [{ file, yaml: null }] } })
  const delegation = await json('delegation', '--zones', zones)
  expect(delegation).toMatchObject({
    code: 0,
    value: {
      open: [],
      sections: [
        {
          zone: 'test',
          records: [
            { type: 'NS', data: 'ns1.example.test.' },
            { type: 'A', data: '192.0.2.53' },
          ],
        },
      ],
    },
  })
})

test('keys are made and carried over', async () => {
  const made = await json('keys', 'generate', 'example.test', '--keys', keys)
  expect(made).toMatchObject({
    code: 0,
    value: { keys: [{ zone: 'example.test.', flags: 257, algorithm: 13 }] },
  })
  const [key] = (made.value as { keys: { files: string[]; ds: string; tag: number }[] }).keys
  expect(key?.ds).toMatch(new RegExp(`^example\\.test\\. IN DS ${key?.tag} 13 2 [0-9A-F]{64}$`))
  const imported = await json(
    'keys',
    'import',
    key?.files[1] ?? '',
    '--keys',
    join(folder, 'others'),
  )
  expect(imported).toMatchObject({ code: 0, value: { keys: [{ tag: key?.tag, ds: key?.ds }] } })
})

describe('where a command fails', () => {
  test.each([
    [
      ['check', '--zonez', 'x'],
      2,
      'bad-input',
      'there is no option --zonez: did you mean --zones?',
    ],
    [
      ['keys', 'sign', 'missing', '--keys', keys],
      2,
      'bad-input',
      'cannot read missing: it does not exist',
    ],
    [['import', join(folder, 'missing')], 1, 'failed', 'it does not exist'],
    [['status', '--admin', '127.0.0.1:1'], 1, 'failed', 'no answer from the admin server'],
  ])('%j says why in JSON too, and as it did', async (argv, exitCode, code, why) => {
    const { code: exited, out, err } = await run(...argv, '--json')
    expect(exited).toBe(exitCode)
    expect(JSON.parse(out)).toEqual({ error: { code, message: expect.stringContaining(why) } })
    expect(err).toContain(why)
  })

  test('every command that prints no text alone has the option', () => {
    const without = commands.filter(({ flags }) => flags.every(({ name }) => name !== 'json'))
    expect(without.map(({ name }) => name).filter((name) => name !== 'geoip')).toEqual([
      'serve',
      'schema',
      'completion',
    ])
  })
})

describe('colours', () => {
  const stream = (isTTY: boolean): NodeJS.WriteStream =>
    Object.assign(new PassThrough(), {
      isTTY,
      getColorDepth: () => (process.env['NO_COLOR'] ? 1 : 8),
    }) as unknown as NodeJS.WriteStream
  const red = '\u001b[31mDOWN\u001b[39m'

  test.each([
    ['auto', true, {}, red],
    [undefined, true, {}, red],
    ['auto', false, {}, 'DOWN'],
    ['auto', true, { NO_COLOR: '1' }, 'DOWN'],
    ['always', false, { NO_COLOR: '1' }, red],
    ['never', true, {}, 'DOWN'],
  ])('%s, on a terminal: %s, with %j', (color, isTTY, variables, text) => {
    vi.stubEnv('FORCE_COLOR', undefined)
    vi.stubEnv('NO_COLOR', undefined)
    for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value)
    expect(paintFor(color, stream(isTTY))('red', 'DOWN')).toBe(text)
  })

  test('stand beside words, and none of them is in what is piped', async () => {
    const zones = join(import.meta.dirname, '../../../zones')
    expect((await run('check', zones)).out).not.toContain('\u001b')
    expect((await run('check', zones, '--color=always')).out).toContain(
      '\u001b[32mno mistakes\u001b[39m',
    )
  })
})
