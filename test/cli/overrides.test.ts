// Output of the override commands before and after their request to the server.

import { afterEach, expect, test, vi } from 'vitest'
import { drain, exposureText, up, weight } from '../../src/cli/overrides.ts'

afterEach(() => vi.restoreAllMocks())

test.each([
  ['drain', drain, ['mx1']],
  ['up', up, ['mx1']],
  ['weight', weight, ['mx1', '50%']],
] as const)('%s without an end names the flag, and sends no request', async (_, command, argv) => {
  const written: string[] = []
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => written.push(String(text)) > 0)
  expect(await command([...argv, '--admin', '127.0.0.1:1'])).toBe(2)
  expect(written.join('')).toMatch(/--for 2h/)
})

test('whether the last answer that names a target has expired', () => {
  const at = '2026-12-01T08:00:00.000Z'
  expect(exposureText(at, Date.parse(at) - 1)).toMatch(/ expires at 2026/)
  expect(exposureText(at, Date.parse(at))).toMatch(/ expired at 2026/)
  expect(exposureText(null, 0)).toMatch(/older ones/)
})
