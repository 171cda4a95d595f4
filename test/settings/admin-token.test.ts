import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { loadSettings } from '../../src/settings/settings.ts'
import { temporaryFolder } from '../support/server.ts'

const folder = temporaryFolder()
const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
const host = { name: 'h', parallelism: 1 }
const token = 'correct-horse-battery'

const load = async (
  env: Record<string, string>,
  configFile?: string,
): Promise<string | null | readonly string[]> => {
  const loaded = await loadSettings({ flags: {}, env, configFile, host })
  if (loaded.kind === 'settings') return loaded.settings.adminToken
  return loaded.diagnostics.map((one) => `${one.line}: ${one.message} ${one.excerpt}`)
}

describe('the admin token', () => {
  test('is none, or given by itself, or the first line of a file', async () => {
    expect(await load({})).toBeNull()
    expect(await load({}, file('a.yaml', `admin_token: "${token}"\n`))).toBe(token)
    const secret = file('token', `${token}\nnot this line\n`)
    expect(await load({ MXSTEER_ADMIN_TOKEN_FILE: secret })).toBe(token)
    const both = {
      MXSTEER_ADMIN_TOKEN_FILE: secret,
      MXSTEER_ADMIN_TOKEN: 'the-one-of-the-variable',
    }
    expect(await load(both)).toBe('the-one-of-the-variable')
  })

  test.each([
    ['too short', 'admin_token: "battery-15-char"'],
    ['with a space', 'admin_token: "correct horse battery"'],
    ['no text', 'admin_token: [correct-horse-battery]'],
  ])('is refused %s, and never shown', async (_, text) => {
    const mistakes = await load({}, file('bad.yaml', `site: here\n${text}\n`))
    expect(mistakes).toEqual([expect.stringMatching(/^2: expected 16 to 256/)])
    expect(JSON.stringify(mistakes)).not.toMatch(/battery/)
  })

  test('of a file: what is wrong names the file, not what is in it', async () => {
    const short = await load({ MXSTEER_ADMIN_TOKEN_FILE: file('short', 'battery\n') })
    expect(short).toEqual([expect.stringMatching(/^1: expected 16 to 256/)])
    expect(JSON.stringify(short)).not.toMatch(/battery/)
    expect(await load({ MXSTEER_ADMIN_TOKEN_FILE: join(folder, 'none') })).toHaveLength(1)
  })
})

test('reading needs the token only where there is one', async () => {
  expect(await load({ MXSTEER_ADMIN_READ: 'token', MXSTEER_ADMIN_TOKEN: token })).toBe(token)
  expect(await load({ MXSTEER_ADMIN_READ: 'token' })).toEqual([
    expect.stringContaining('set admin_token'),
  ])
  expect(await load({ MXSTEER_ADMIN_READ: 'nobody' })).toEqual([
    expect.stringContaining('expected open, or token'),
  ])
})
