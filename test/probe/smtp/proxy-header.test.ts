// Octets by the letter of the specification; what receivers make of them is in long/probe-manners.

import { expect, test } from 'vitest'
import { proxyHeader } from '../../../src/probe/smtp/smtp-probe.ts'

const v4 = [
  { address: '192.0.2.1', port: 56_324 },
  { address: '198.51.100.2', port: 25 },
] as const
const v6 = [
  { address: '2001:db8::1', port: 56_324 },
  { address: '2001:db8::2', port: 25 },
] as const

const signature = '0d0a0d0a000d0a515549540a'

test('version 1 is a line', () => {
  const text = (header: Uint8Array | null): string => Buffer.from(header ?? []).toString('latin1')
  expect(text(proxyHeader('v1', ...v4))).toBe('PROXY TCP4 192.0.2.1 198.51.100.2 56324 25\r\n')
  expect(text(proxyHeader('v1', ...v6))).toBe('PROXY TCP6 2001:db8::1 2001:db8::2 56324 25\r\n')
})

test('version 2 is PROXY over TCP, with both ends', () => {
  const hex = (header: Uint8Array | null): string => Buffer.from(header ?? []).toString('hex')
  expect(hex(proxyHeader('v2', ...v4))).toBe(
    [signature, '2111000c', 'c0000201', 'c6336402', 'dc04', '0019'].join(''),
  )
  expect(hex(proxyHeader('v2', ...v6))).toBe(
    [
      signature,
      '21210024',
      '20010db8000000000000000000000001',
      '20010db8000000000000000000000002',
      'dc04',
      '0019',
    ].join(''),
  )
})

test('no header of half a truth', () => {
  expect(proxyHeader('v1', v4[0], v6[1])).toBeNull()
  expect(proxyHeader('v2', { address: '', port: 0 }, v4[1])).toBeNull()
})
