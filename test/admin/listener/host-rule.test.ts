// Which names of the server a request may use.

import { describe, expect, test } from 'vitest'

import { isAcceptedHost } from '../../../src/admin/listener/host-rule.ts'

const names = ['ns1.example.com', 'prometheus-target']

const always = [
  '127.0.0.1',
  '127.0.0.1:8053',
  '192.0.2.53:8053',
  '[::1]',
  '[::1]:8053',
  '[2001:DB8::53]:8053',
  'localhost',
  'LocalHost:8053',
  'localhost.:8053',
  'ns1.example.com',
  'NS1.example.com.:8053',
  'prometheus-target:8053',
]
const never = [
  '',
  ' ',
  'evil.example',
  'evil.example:8053',
  'ns1.example.com.evil.example',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '127.1',
  '0x7f.1',
  '2130706433',
  '127.0.0.1:8053:1',
  '::1',
  '[::1',
  '[::1]evil.example',
  '[fe80::1%eth0]',
  '[127.0.0.1]',
  'localhost:port',
  'user@localhost',
  'localhost/',
  'a b',
  'n\u0085',
  'x'.repeat(300),
]
/** A page of the Internet has a name with a dot. */
const elsewhere = ['ns1', 'ns1:8053', 'mxsteer-1_a:8053']

describe.each([true, false])('on loopback: %s', (isLoopback) => {
  const rule = { names, isLoopback }

  test.each(always)('%j', (host) => expect(isAcceptedHost(rule, host)).toBe(true))
  test.each(never)('not %j', (host) => expect(isAcceptedHost(rule, host)).toBe(false))
  test.each(elsewhere)('%j on others than loopback alone', (host) =>
    expect(isAcceptedHost(rule, host)).toBe(!isLoopback),
  )
})
