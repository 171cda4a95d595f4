// `mxsteer check --live` over MTAs on loopback and BIND as the resolver.

import { afterAll, beforeAll, expect, it } from 'vitest'

import type { LiveFindings } from '../../src/cli/live/check-live.ts'
import { startBind } from '../support/bind.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { freePort } from '../support/free-ports.ts'
import { type OddMta, startOddMta } from '../support/odd-mtas.ts'
import { launch, temporaryFolder } from '../support/server.ts'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identityZone, loopbackZones, politeMta } from './identity-world.ts'

const zone = 'smtp.example.test'
let bind: ForeignServer
let port = 0
let mtas: OddMta[] = []
beforeAll(async () => {
  bind = await startBind(loopbackZones())
  port = await freePort(['127.0.0.81', '127.0.0.82', '127.0.0.83'])
  mtas = await Promise.all([
    startOddMta('127.0.0.81', port, politeMta(`mx1.${zone}`)),
    startOddMta('127.0.0.82', port, politeMta('other.example.net')),
  ])
})
afterAll(async () => {
  await bind?.stop()
  await Promise.all(mtas.map((mta) => mta.close()))
})

async function check(text: string, ...flags: readonly string[]) {
  const folder = temporaryFolder()
  writeFileSync(join(folder, 'smtp.yaml'), text)
  const command = launch(['check', folder, '--live', ...flags])
  const { code } = await command.exited
  const lines = command.stdout().trimEnd().split('\n')
  return { code, lines, stderr: command.stderr() }
}

/** Cells of a row, told apart by two spaces; its time left out. */
const cells = (line = ''): string =>
  line
    .split(/ {2,}/)
    .map((cell) => (/^\d+$/.test(cell) ? 'ms' : cell))
    .join(' | ')

it('probes each target once, says what is wrong, and exits 1 while one is not healthy', async () => {
  const resolver = `127.0.0.1:${bind.port}`
  const { code, lines } = await check(identityZone(port), '--resolver', resolver)
  expect(lines.slice(0, 4).map(cells)).toEqual([
    'TARGET | ADDRESS | PROBE | RESULT | REASON | MS | GREETS AS | PTR | LISTS',
    `mx1.${zone} | 127.0.0.81 | inbound | ok | ok | ms | mx1.${zone} | confirmed | –`,
    `mx2.${zone} | 127.0.0.82 | inbound | ok | ok | ms | other.example.net | unconfirmed | bl.test`,
    `mx3.${zone} | 127.0.0.83 | inbound | dead | connect-refused | ms | – | missing | –`,
  ])
  const [at2, at3] = [`mx2.${zone} at 127.0.0.82`, `mx3.${zone} at 127.0.0.83`]
  expect(lines.slice(4)).toEqual([
    `warning: ${at2}: it greets as other.example.net, not as mx2.${zone}`,
    `warning: ${at2}: it answers EHLO as other.example.net, not as mx2.${zone}`,
    `warning: ${at2}: its PTR says liar.${zone}, which does not lead back to it`,
    `warning: ${at2}: it is listed by bl.test: 127.0.0.3`,
    `warning: ${at3}: it has no PTR record: many receivers refuse mail from it`,
    'warning: dead.test is not believed about IPv4: lists-everything',
    '2 of 3 probed addresses are healthy',
  ])
  expect(code).toBe(1)
  expect(mtas.map((mta) => mta.accepted())).toEqual([1, 1])
})

it('says the same as JSON', async () => {
  const resolver = `127.0.0.1:${bind.port}`
  const flags = ['--resolver', resolver, '--json']
  const { code, lines, stderr } = await check(identityZone(port), ...flags)
  const { live, ...found } = JSON.parse(lines.join('\n')) as { readonly live: LiveFindings }
  expect(found).toMatchObject({ zones: [zone], mistakes: 0 })
  expect(live).toMatchObject({ unwatched: 0, healthy: 2, policies: null, domains: [] })
  expect(live.addresses).toEqual([
    addressOf(1, { result: 'ok', greetsAs: `mx1.${zone}`, ptr: 'confirmed' }),
    addressOf(2, {
      result: 'ok',
      greetsAs: 'other.example.net',
      ptr: 'unconfirmed',
      lists: ['bl.test'],
    }),
    addressOf(3, { result: 'dead', reason: 'connect-refused', ptr: 'missing' }),
  ])
  expect(live.warnings).toHaveLength(6)
  expect([code, stderr]).toEqual([1, ''])
})

const addressOf = (number: number, seen: object): object => ({
  target: `mx${number}`,
  zone,
  address: `127.0.0.8${number}`,
  probe: 'inbound',
  reason: 'ok',
  ms: expect.any(Number),
  greetsAs: null,
  lists: [],
  ...seen,
})

it('exits 0 where all are healthy, whatever is warned of', async () => {
  const text = identityZone(port)
    .replace(/\n {2}mx3: .*/, '')
    .replace(', mx3: 2', '')
  const resolver = `127.0.0.1:${bind.port}`
  const { code, lines } = await check(text, '--resolver', resolver)
  expect(lines.at(-1)).toBe('2 of 2 probed addresses are healthy')
  expect(lines.filter((line) => line.startsWith('warning: ')).length).toBeGreaterThan(3)
  expect(code).toBe(0)
})

it('exits 1 without probing if a file is invalid, 2 at bad flags', async () => {
  const before = mtas.map((mta) => mta.accepted())
  const mistaken = await check(identityZone(port).replace('hold: 0s', 'agree: 3'))
  expect(mistaken.stderr).toContain('3 lists cannot agree where there are 2')
  expect(mistaken.code).toBe(1)
  expect((await check(identityZone(port), '--resolver', 'nowhere')).code).toBe(2)
  expect(mtas.map((mta) => mta.accepted())).toEqual(before)
})
