// Zone files that were made to freeze or to end the server, put into the folder of one that is asked all the time.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { freePort } from '../support/free-ports.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'
import { launch, projectFolder, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'
import { hostileTexts } from '../zonefile/hostile-texts.ts'

const good = `
zone: good.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
`

const server = servedZone({ zones: { 'good.yaml': good } })
const client = clientOf(server)

const textOf = (name: string, octets: number): string => {
  const text = hostileTexts.find((one) => one.name === name)
  if (!text) throw new Error(`no hostile text ${name}`)
  return text.make(octets)
}

const mebibyte = 2 ** 20

/** With the size that each was reported with, and what of the codes it is to have. */
const attacks: readonly (readonly [string, number, string])[] = [
  ['open brackets', 4 * mebibyte - 100, 'too-deep'],
  ['brackets below a key', 4 * mebibyte - 100, 'too-deep'],
  ['bad addresses on one line', 469_000, 'bad-rdata'],
  ['records that are no maps', 469_000, 'bad-value'],
  ['aliases on one line', 192_000, 'alias'],
  ['tiny documents', 4 * mebibyte - 100, 'several-documents'],
  ['closing brackets', 4 * mebibyte - 100, 'syntax'],
  ['a list of words', 4 * mebibyte - 100, 'too-many-tokens'],
  ['stairs', 2 * mebibyte, 'too-deep'],
  ['bad escapes', 4 * mebibyte - 100, 'syntax'],
]

const failures = async (): Promise<number> =>
  (await server.metric('mxsteer_config_reloads_total{result="failure"}')) ?? 0

it.each(attacks)(
  '%s: answers and /livez go on',
  async (name, octets, code) => {
    const before = await failures()
    const logged = server.logs().length
    const over = new AbortController()
    let [answered, alive] = [0, 0]
    const asking = (async () => {
      while (!over.signal.aborted) {
        const reply = await client.ask('ns1.good.example.test', 'A', 60_000)
        expect(reply.header.rcode).toBe(0)
        answered++
      }
    })()
    const looking = (async () => {
      while (!over.signal.aborted) {
        expect((await server.http('/livez')).status).toBe(200)
        alive++
      }
    })()
    server.writeZone('hostile.yaml', textOf(name, octets))
    await until(async () => (await failures()) > before, { what: 'a refusal', withinMs: 300_000 })
    over.abort()
    await Promise.all([asking, looking])
    expect([answered > 0, alive > 0]).toEqual([true, true])
    // The log is written by another thread: it may come after the metric.
    const isLogged = (wanted: string, of?: string): boolean =>
      server
        .logs()
        .slice(logged)
        .some((line) => line.event === wanted && (of === undefined || line['code'] === of))
    await until(() => isLogged('config.rejected') && isLogged('config.error', code), {
      what: `config.rejected with ${code}`,
      withinMs: 60_000,
    })
  },
  600_000,
)

it('takes the next good file over as if nothing had been', async () => {
  server.writeZone('hostile.yaml', good.replace('good.example.test', 'other.example.test'))
  const isServed = async (): Promise<boolean> =>
    (await client.ask('ns1.other.example.test', 'A', 60_000)).header.rcode === 0
  expect(await until(isServed, { what: 'the other zone', withinMs: 60_000 })).toBe(true)
})

it('at start exits with 2 and the mistakes of all files', async () => {
  const zones = temporaryFolder()
  writeFileSync(join(zones, 'a.yaml'), good.replace('192.0.2.53', '192.0.2.530'))
  writeFileSync(join(zones, 'b.yaml'), textOf('open brackets', 4 * mebibyte - 100))
  writeFileSync(join(zones, 'c.yaml'), good.replace('NS: [ns1]', 'NS: [ns1], XX: 1'))
  const [port, adminPort] = [await freePort(), await freePort()]
  const endpoints = ['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`]
  for (const args of [
    ['serve', '--zones', zones, ...endpoints],
    ['check', zones],
  ]) {
    const child = launch(args, projectFolder)
    const { code } = await child.exited
    expect(code).toBe(args[0] === 'serve' ? 2 : 1)
    for (const place of ['a.yaml:6:', 'b.yaml:1:33', 'c.yaml:5:'])
      expect(child.stderr()).toContain(place)
  }
}, 600_000)
