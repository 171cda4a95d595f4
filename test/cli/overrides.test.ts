// What the commands of overrides say before and after they have asked the server.

import { afterEach, expect, test, vi } from 'vitest'
import { drain, exposure, up, weight } from '../../src/cli/overrides.ts'

afterEach(() => vi.restoreAllMocks())

test.each([
  ['drain', drain, ['mx1']],
  ['up', up, ['mx1']],
  ['weight', weight, ['mx1', '50%']],
] as const)('%s without an end names the flag, and asks nobody', async (_, command, argv) => {
  const said: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0)
  expect(await command([...argv, '--admin', '127.0.0.1:1'])).toBe(2)
  expect(said.join('')).toMatch(/--for 2h/)
})

test('whether the last answer that names a target has expired', () => {
  const at = '2026-12-01T08:00:00.000Z'
  expect(exposure(at, Date.parse(at) - 1)).toMatch(/ expires at 2026/)
  expect(exposure(at, Date.parse(at))).toMatch(/ expired at 2026/)
  expect(exposure(null, 0)).toMatch(/older ones/)
})
