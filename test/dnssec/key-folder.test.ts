// The folder of keys: all or nothing, and what is wrong with single files.

import {
  chmodSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'

import { generatePrivateKey } from '../../src/dnssec/algorithms.ts'
import { keyFileName, type ZoneKey } from '../../src/dnssec/key-file.ts'
import {
  type KeysRead,
  lookIntoKeyFolder,
  readKeys,
  writeKey,
} from '../../src/dnssec/key-folder.ts'
import { type KeyTimes, noTimes } from '../../src/dnssec/key-set.ts'
import { keysInForce, zoneKeysData } from '../../src/dnssec/keys-in-force.ts'
import { createSigningKey } from '../../src/dnssec/signing-key.ts'
import { keyOfName, type Name, parseName } from '../../src/wire/name.ts'
import { temporaryFolder } from '../support/server.ts'

function name(text: string): Name {
  const parsed = parseName(text)
  if (parsed.kind === 'bad') throw new Error(parsed.why)
  return parsed.name
}

const zone = name('mail.example.com.')
const other = name('mail.example.org.')
const nowMs = Date.UTC(2026, 10, 29)
const hour = 3_600_000

let folder = ''
beforeEach(() => {
  folder = join(temporaryFolder(), 'keys')
})

async function put(
  times: Partial<KeyTimes> = { activateMs: 0 },
  owner: Name = zone,
): Promise<ZoneKey> {
  const signing = createSigningKey(13, 257, generatePrivateKey(13))
  const key = { ...signing, zone: owner, times: { ...noTimes, ...times } }
  expect(await writeKey(folder, key)).toEqual({ kind: 'written', name: keyFileName(key) })
  return key
}

const fileOf = (key: ZoneKey, ending: string): string => join(folder, keyFileName(key) + ending)

const read = (before?: Extract<KeysRead, { kind: 'read' }>): Promise<KeysRead> =>
  readKeys({ folder, zones: [zone], nowMs, ...(before && { before: before.keys }) })

/** `read` or `rejected`, then `FILE severity code message` of each diagnostic. */
async function outcome(reading: Promise<KeysRead>): Promise<readonly string[]> {
  const result = await reading
  const diagnostics = result.kind === 'read' ? result.warnings : result.diagnostics
  return [
    result.kind,
    ...diagnostics.map(
      ({ file, severity, code, message }) =>
        `${file.replace(`${folder}/`, '')} ${severity} ${code} ${message}`,
    ),
  ]
}

describe('writing', () => {
  test('a folder and files that the owner alone may read, whatever the umask is', async () => {
    const before = process.umask(0)
    const key = await put()
    process.umask(before)
    const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
    expect([folder, fileOf(key, '.private'), fileOf(key, '.key')].map(modeOf)).toEqual([
      '700',
      '600',
      '644',
    ])
    expect(readdirSync(folder)).toHaveLength(2)
  })

  test('replaces nothing', async () => {
    const key = await put()
    const again = await writeKey(folder, key)
    expect(again).toMatchObject({ kind: 'failed', why: expect.stringContaining('there already') })
    expect(await outcome(read())).toEqual(['read'])
  })

  test('leaves nothing behind if it fails', async () => {
    const key = await put()
    rmSync(fileOf(key, '.private'))
    rmSync(fileOf(key, '.key'))
    // A folder in the place of the file that is written last.
    mkdirSync(fileOf(key, '.key'))
    expect((await writeKey(folder, key)).kind).toBe('failed')
    expect(readdirSync(folder)).toEqual([`${keyFileName(key)}.key`])
  })
})

describe('reading', () => {
  test('the keys of the zones that are asked for, in the order of names', async () => {
    const keys = [await put(), await put({ publishMs: 0 })]
    await put({}, other)
    writeFileSync(join(folder, 'notes.txt'), 'K')
    writeFileSync(join(folder, 'Kmail.example.org.+013+00001.key'), 'of a zone that is not read')
    const result = await read()
    if (result.kind === 'rejected') throw new Error('rejected')
    const names = keys.map(keyFileName).sort()
    expect([...result.keys.keys()]).toEqual([keyOfName(zone)])
    expect(result.keys.get(keyOfName(zone))?.map(keyFileName)).toEqual(names)
    expect(result.warnings).toEqual([])
  })

  test('through links, as Kubernetes mounts files', async () => {
    const key = await put()
    mkdirSync(join(folder, '..data'))
    for (const ending of ['.key', '.private']) {
      renameSync(fileOf(key, ending), join(folder, '..data', keyFileName(key) + ending))
      symlinkSync(join('..data', keyFileName(key) + ending), fileOf(key, ending))
    }
    expect(await outcome(read())).toEqual(['read'])
  })

  test('fails as a whole where one zone has no key', async () => {
    await put()
    expect(await outcome(readKeys({ folder, zones: [zone, other], nowMs }))).toEqual([
      'rejected',
      `${folder} error dnssec-no-key no key of mail.example.org. here: "mxsteer keys generate mail.example.org." makes one`,
    ])
  })

  test('of a folder that is missing', async () => {
    expect(await outcome(read())).toEqual([
      'rejected',
      `${folder} error unreadable-file cannot read it: it does not exist`,
    ])
  })

  test.each([
    [
      0o604,
      ['rejected', 'error key-open-to-others open to others than its owner and group (mode 0604)'],
    ],
    [
      0o602,
      ['rejected', 'error key-open-to-others open to others than its owner and group (mode 0602)'],
    ],
    [0o640, ['read', 'warning key-open-to-others open to its group (mode 0640), expected 0600']],
    [0o400, ['read']],
  ])('a private key of mode %o', async (mode, expected) => {
    chmodSync(fileOf(await put(), '.private'), mode)
    const found = await outcome(read())
    expect(found).toEqual([
      expected[0],
      ...expected.slice(1).map((text) => expect.stringContaining(text)),
    ])
  })

  test('half a key', async () => {
    await put()
    const half = await put()
    rmSync(fileOf(half, '.key'))
    expect(await outcome(read())).toEqual([
      'read',
      `${keyFileName(half)}.private warning key-pair not used: the file .key of the same name is missing beside it`,
    ])
    const otherHalf = await put()
    rmSync(fileOf(otherHalf, '.private'))
    expect(await outcome(read())).toContain(
      `${keyFileName(otherHalf)}.key error key-pair the file .private of the same name is missing beside it; of a key that is kept offline, Kmail.example.com.skr has to be here`,
    )
  })

  test('a key under the name of another', async () => {
    const key = await put()
    for (const ending of ['.key', '.private'])
      renameSync(fileOf(key, ending), join(folder, `Kmail.example.com.+013+00001${ending}`))
    expect(await outcome(read())).toContain(
      `Kmail.example.com.+013+00001.key error bad-key the key in it is that of ${keyFileName(key)}.key`,
    )
  })

  test('a key that was in force and is broken: only that is told', async () => {
    const key = await put()
    const before = await read()
    if (before.kind === 'rejected') throw new Error('rejected')
    writeFileSync(fileOf(key, '.key'), '')
    expect(await outcome(read(before))).toEqual([
      'rejected',
      `${keyFileName(key)}.key error bad-key no DNSKEY record in it`,
    ])
  })

  test('files that are too large', async () => {
    const key = await put()
    writeFileSync(fileOf(key, '.key'), ' '.repeat(20_000))
    expect((await outcome(read()))[1]).toContain('error unreadable-file cannot read it: it has at')
  })

  test('whatever else is wrong, where all that can be read is wanted', async () => {
    const key = await put()
    await put({}, other)
    writeFileSync(fileOf(key, '.key'), '')
    const { keys, diagnostics } = await lookIntoKeyFolder(folder, null)
    expect([...keys.keys()]).toEqual([keyOfName(other)])
    expect(diagnostics).toHaveLength(1)
  })
})

describe('times', () => {
  test('at which the keys cannot sign are a mistake now and a warning before', async () => {
    await put({ activateMs: 0, inactiveMs: nowMs + hour })
    const at = (ms: number): Promise<KeysRead> => readKeys({ folder, zones: [zone], nowMs: ms })
    const why = 'no key with flags 257 is active'
    expect(await outcome(at(nowMs))).toEqual([
      'read',
      `${folder} warning dnssec-no-key the keys of mail.example.com. from 20261129010000 (UTC) on: ${why}`,
    ])
    expect(await outcome(at(nowMs + hour))).toEqual([
      'rejected',
      `${folder} error dnssec-no-key the keys of mail.example.com.: ${why}`,
    ])
  })

  test('before which a key must not leave the folder', async () => {
    const [stays, leaves] = [await put(), await put({ publishMs: 0 })]
    const before = await read()
    if (before.kind === 'rejected') throw new Error('rejected')
    rmSync(fileOf(leaves, '.key'))
    rmSync(fileOf(leaves, '.private'))
    expect(await outcome(read(before))).toEqual([
      'rejected',
      expect.stringContaining(`${keyFileName(leaves)}.key error key-vanished`),
    ])
    expect(await outcome(read())).toEqual(['read'])
    expect(keyFileName(stays)).not.toBe(keyFileName(leaves))
  })

  test('are obeyed in the thread that the keys are sent to, and no later than nobody prepared them', async () => {
    const [first, second] = [
      await put({ activateMs: 0, inactiveMs: nowMs + hour, deleteMs: nowMs + 2 * hour }),
      await put({ publishMs: nowMs, activateMs: nowMs + hour, inactiveMs: nowMs + 3 * hour }),
    ]
    const result = await read()
    if (result.kind === 'rejected') throw new Error('rejected')
    const keysOf = keysInForce(structuredClone(zoneKeysData(result.keys)))
    const at = (hours: number): unknown => {
      const keys = keysOf(keyOfName(zone), nowMs + hours * hour)
      const signers = keys?.dataSigners.map(({ tag }) => tag)
      const apex = keys?.apex
      const published = apex?.kind === 'here' ? apex.published : []
      return [published.length, signers, keys && (keys.untilMs - nowMs) / hour]
    }
    expect([0, 1, 2, 3, 99].map(at)).toEqual([
      [2, [first.tag], 1],
      [2, [second.tag], 2],
      [1, [second.tag], 3],
      [1, [second.tag], Infinity],
      [1, [second.tag], Infinity],
    ])
    expect(keysOf(keyOfName(other), nowMs)).toBeNull()
  })
})
