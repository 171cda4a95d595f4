// `mxsteer targets` prints what a server tells of its members and addresses.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'

import { launch } from '../support/server.ts'

const zone = 'smtp.example.test'
const report = {
  targets: [
    {
      zone,
      target: 'mx1',
      address: '192.0.2.1',
      state: 'up',
      since: 'S1',
      reason: 'ok',
      held: false,
    },
    {
      zone,
      target: 'mx2',
      address: '192.0.2.2',
      state: 'down',
      since: 'S2',
      reason: 'ok',
      held: true,
    },
  ],
  members: [
    {
      zone,
      target: 'mx1',
      pool: 'eu',
      out: null,
      weight: {
        configured: 4,
        warmUp: 0.5,
        override: 1,
        feedback: 0.75,
        reputation: 0.2,
        slowStart: 1,
        effective: 0.3,
      },
      exposedUntil: 'E1',
    },
    {
      zone,
      target: 'mx2',
      pool: 'eu',
      out: 'down',
      weight: {
        configured: 2,
        warmUp: 1,
        override: 1,
        feedback: 1,
        reputation: 1,
        slowStart: 1,
        effective: 2,
      },
      exposedUntil: null,
    },
    { zone: 'other.test', target: 'mx9', pool: 'p', out: null, weight: {}, exposedUntil: null },
  ],
}

async function targetsOf(...options: readonly string[]) {
  const admin = createServer((_, reply) => {
    reply.setHeader('content-type', 'application/json')
    reply.end(JSON.stringify(report))
  })
  admin.listen(0, '127.0.0.1')
  await once(admin, 'listening')
  const { port } = admin.address() as AddressInfo
  const command = launch(['targets', '--admin', `127.0.0.1:${port}`, ...options])
  const { code } = await command.exited
  admin.close()
  return { code, stdout: command.stdout(), stderr: command.stderr() }
}

it('refuses a zone that the server does not have', async () => {
  const { code, stdout, stderr } = await targetsOf('--zone', 'smpt.example.test.')
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toBe(
    'mxsteer targets: no target of a zone smpt.example.test, did you mean smtp.example.test?\n',
  )
})

it('has colours where they are asked for', async () => {
  const { stdout } = await targetsOf('--zone', zone, '--color', 'always')
  expect(stdout).toContain('192.0.2.2  \u001b[31mDOWN\u001b[39m   S2')
  expect(stdout).toContain('192.0.2.1  \u001b[32mup\u001b[39m     S1')
})

it('has every part of a weight, and why who is out is out', async () => {
  const { code, stdout, stderr } = await targetsOf('--zone', zone)
  expect([code, stderr]).toEqual([0, ''])
  expect(stdout).toBe(
    [
      'TARGET                 POOL  WEIGHT  OF  WARM-UP  OVERRIDE  FEEDBACK  REPUTATION  SLOW START  OUT   CACHED UNTIL',
      'mx1.smtp.example.test  eu    0.3     4   50%      100%      75%       20%         100%        -     E1',
      'mx2.smtp.example.test  eu    2       2   100%     100%      100%      100%        100%        down  -',
      '',
      'TARGET                 ADDRESS    STATE  SINCE  REASON',
      'mx1.smtp.example.test  192.0.2.1  up     S1     ok',
      'mx2.smtp.example.test  192.0.2.2  DOWN   S2     held-for-flapping',
      '',
    ].join('\n'),
  )
})
