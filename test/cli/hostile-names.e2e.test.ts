// What others wrote, on its way to a terminal: PTR names, greetings and replies that hold escape sequences.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

import { identityZone, politeMta } from '../e2e/identity-world.ts'
import { freePort } from '../support/free-ports.ts'
import { type OddMta, startOddMta } from '../support/odd-mtas.ts'
import { recordOf, replyTo, type ScriptedDns, startScriptedDns } from '../support/scripted-dns.ts'
import { runCommand, temporaryFolder } from '../support/server.ts'

/** Clears the screen, sets a title, C1, a right-to-left override, a line that looks like ours. */
const hostileLabels = [
  'a\u001b[2Jb',
  '\u001b]0;title\u0007',
  '\u009b31m',
  '\u202egnp',
  'x\n2 of 2 probed addresses are healthy',
]

const nameOctets = (label: string): number[] => {
  const octets = Buffer.from(label)
  return [octets.length, ...octets, 4, ...Buffer.from('test'), 0]
}

const typePtr = 12

let dns: ScriptedDns
let mta: OddMta
let port = 0
let label = ''

beforeAll(async () => {
  port = await freePort(['127.0.0.81', '127.0.0.82', '127.0.0.83'])
  mta = await startOddMta('127.0.0.81', port, (socket) => politeMta(label)(socket))
  dns = await startScriptedDns({
    udp: (query) => [replyTo(query, { records: [recordOf(typePtr, 5, nameOctets(label))] })],
  })
})
afterAll(async () => {
  await mta?.close()
  await dns?.close()
})

const actsOnTerminal = /(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

test.each(hostileLabels)('%j in a PTR record, in check --live', async (one) => {
  label = one
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'smtp.yaml'), identityZone(port))
  const resolver = `127.0.0.1:${dns.port}`
  const live = await runCommand('check', folder, '--live', '--resolver', resolver)
  expect(live.stdout).toContain('its PTR says')
  expect(live.stdout).not.toMatch(actsOnTerminal)
  expect(live.stdout.match(/^\d of \d probed addresses are healthy$/gm)).toHaveLength(1)
  expect(live.stderr).not.toMatch(actsOnTerminal)
})

test.each(hostileLabels)('%j in a greeting, in probe', async (one) => {
  label = one
  const { stdout, stderr } = await runCommand('probe', `127.0.0.81:${port}`)
  expect(stdout).toContain('220')
  expect(stdout + stderr).not.toMatch(actsOnTerminal)
})
