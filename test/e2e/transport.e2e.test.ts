// The UDP transport as an operator sets and sees it: by default, on request, and where koffi is missing.

import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterEach, expect, it } from 'vitest'

import { dig, rdataOf } from '../support/dig.ts'
import { freePort } from '../support/free-ports.ts'
import {
  type Launched,
  mainFile,
  stopChild,
  temporaryFolder,
  watchChild,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

const zoneFile = `
zone: transport.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
`

const noKoffi = new URL('../fixtures/transport/without-koffi.mjs', import.meta.url).pathname

let server: Launched | undefined
afterEach(async () => {
  if (server) await stopChild(server, 10_000)
  server = undefined
})

/** `node` are options of Node itself, `flags` those of `serve`. */
async function launch(node: readonly string[], flags: readonly string[]) {
  const zones = temporaryFolder()
  writeFileSync(join(zones, 'transport.yaml'), zoneFile)
  const port = await freePort()
  const where = ['--zones', zones, '--listen', `127.0.0.1:${port}`, '--admin', 'off']
  const args = [...node, mainFile, 'serve', ...where, '--lameduck', '0s', ...flags]
  const launched = watchChild(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }))
  server = launched
  return { launched, port }
}

/** The first line of the event. */
const logged = (launched: Launched, event: string) =>
  until(() => launched.logs().find((line) => line.event === event) ?? null, {
    what: `${event}: ${launched.stderr()}`,
    withinMs: 60_000,
  })

async function answers(port: number): Promise<void> {
  for (const over of ['+notcp', '+tcp']) {
    const { status, answer } = await dig(port, 'ns1.transport.example.test', 'A', over)
    expect([over, status, rdataOf(answer)]).toEqual([over, 'NOERROR', ['192.0.2.53']])
  }
}

const warnings = (launched: Launched): readonly unknown[] =>
  launched
    .logs()
    .filter((line) => line['level'] === 'warn' || Number(line['level']) === 40)
    .map((line) => line.event)

it.each([
  ['without a word, mmsg', [], 'mmsg'],
  ['auto, mmsg', ['--transport', 'auto'], 'mmsg'],
  ['mmsg', ['--transport', 'mmsg'], 'mmsg'],
  ['dgram', ['--transport', 'dgram'], 'dgram'],
])('%s', async (_, flags, transport) => {
  const { launched, port } = await launch([], flags)
  expect(await logged(launched, 'server.ready')).toMatchObject({ transport })
  await answers(port)
  expect(warnings(launched)).not.toContain('transport.fallback')
})

it('without koffi, dgram, with one line of the log that says why', async () => {
  const { launched, port } = await launch(['--import', noKoffi], [])
  expect(await logged(launched, 'server.ready')).toMatchObject({ transport: 'dgram' })
  expect(await logged(launched, 'transport.fallback')).toMatchObject({
    why: "Cannot find package 'koffi'",
  })
  await answers(port)
  expect(warnings(launched).filter((event) => event === 'transport.fallback')).toHaveLength(1)
})

it('without koffi, no server where mmsg is demanded: exit 3, and the reason', async () => {
  const { launched } = await launch(['--import', noKoffi], ['--transport', 'mmsg'])
  expect(await launched.exited).toMatchObject({ code: 3 })
  expect(launched.stderr()).toBe(
    "mxsteer: transport mmsg does not work here: Cannot find package 'koffi'; with auto another one serves\n",
  )
})

it('a kind that there is not: exit 2, and those that there are', async () => {
  const { launched } = await launch([], ['--transport', 'carrier-pigeon'])
  expect(await launched.exited).toMatchObject({ code: 2 })
  expect(launched.stderr()).toMatch(/--transport.*auto.*mmsg.*dgram/s)
})
