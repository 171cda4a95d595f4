// Listening on 0.0.0.0 and [::], the server answers from the address that was asked: anycast addresses lie on its
// loopback interface, queries come in over a link. dig takes no answer from elsewhere, which the first test shows.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { type DigAnswer, parseDig } from '../support/dig.ts'
import {
  type Namespaces,
  anycast,
  createNamespaces,
  far,
  linkLocal,
  near,
  onLink,
} from '../support/network-namespace.ts'
import {
  type Launched,
  mainFile,
  stopChild,
  temporaryFolder,
  watchChild,
} from '../support/server.ts'
import { until } from '../support/wait.ts'

const port = 5300
const zoneFile = `
zone: anycast.example.test
soa: { mname: ns1, rname: hostmaster.example.test. }
records:
  "@": { NS: [ns1] }
  ns1: { A: 192.0.2.53 }
`

/** A server that knows nothing of addresses: the question with QR set, over a wildcard socket as it comes. */
const careless = (type: 'udp4' | 'udp6'): string => `
const socket = require('node:dgram').createSocket('${type}')
socket.on('message', (query, from) => {
  query[2] |= 0x80
  socket.send(query, from.port, from.address)
})
socket.bind(${port}, '${type === 'udp4' ? '0.0.0.0' : '::'}', () => console.log('bound'))
`

let namespaces: Namespaces
let lack = ''
beforeAll(() => {
  try {
    namespaces = createNamespaces()
  } catch (error) {
    // In CI this has to be proven; an ordinary user sees a message that it was not.
    if (process.env['CI']) throw error
    lack = `anycast was not tested: ${(error as Error).message}`
    console.warn(lack)
  }
})
beforeEach((context) => context.skip(lack !== '', lack))
afterAll(() => namespaces?.remove())

let server: Launched | undefined
afterEach(async () => {
  if (server) await stopChild(server, 10_000)
  server = undefined
})

const every = [...anycast[4], ...anycast[6], onLink[4], onLink[6], linkLocal]

async function serve(...flags: readonly string[]): Promise<void> {
  const zones = temporaryFolder()
  writeFileSync(join(zones, 'anycast.yaml'), zoneFile)
  const listen = ['--listen', `0.0.0.0:${port}`, '--listen', `[::]:${port}`, '--lameduck', '0s']
  const args = ['serve', '--zones', zones, '--admin', 'off', ...listen, ...flags]
  const launched = watchChild(namespaces.spawn('serves', process.execPath, [mainFile, ...args]))
  server = launched
  await until(() => launched.logs().some((line) => line.event === 'server.ready'), {
    what: `a server that is ready: ${launched.stderr()}`,
    withinMs: 60_000,
  })
}

/** One question of the other host, sent from `from` where given; null: no answer from the address asked. */
async function ask(
  address: string,
  over: string,
  { from, withinSeconds = 15 }: { from?: string; withinSeconds?: number } = {},
): Promise<DigAnswer | null> {
  const where = [`@${address}`, '-p', String(port), ...(from === undefined ? [] : ['-b', from])]
  const limits = ['+tries=1', `+time=${withinSeconds}`, '+norecurse', '+nocookie', over]
  const dig = namespaces.spawn('asks', 'dig', [
    ...where,
    ...limits,
    'ns1.anycast.example.test',
    'A',
  ])
  const child = watchChild(dig)
  const { code } = await child.exited
  return code === 0 ? parseDig(child.stdout()) : null
}

/** The address that dig says the answer came from, without its interface. */
const serverOf = (answer: DigAnswer | null): string | undefined =>
  /^;; SERVER: (.+?)[%#]/m.exec(answer?.text ?? '')?.[1]

it.each([
  [4, 'udp4'],
  [6, 'udp6'],
] as const)('a wildcard socket alone gets it wrong over IPv%i', async (family, type) => {
  const launched = watchChild(namespaces.spawn('serves', process.execPath, ['-e', careless(type)]))
  server = launched
  await until(() => launched.stdout().includes('bound'), { what: 'a socket', withinMs: 60_000 })
  expect(serverOf(await ask(onLink[family], '+notcp'))).toBe(onLink[family])
  expect(await ask(anycast[family][0], '+notcp', { withinSeconds: 2 })).toBeNull()
})

describe.each(['mmsg', 'dgram'])('transport %s', { timeout: 120_000 }, (transport) => {
  it('answers from the address that was asked, over UDP and TCP', async () => {
    await serve('--transport', transport)
    for (const over of ['+notcp', '+tcp']) {
      const answers = await Promise.all(every.map((address) => ask(address, over)))
      // dig names the interface by its number.
      expect(answers.map(serverOf)).toEqual(every.map((address) => address.replace(/%.*/, '')))
      expect(answers.map((answer) => [answer?.status, answer?.answer.length])).toEqual(
        every.map(() => ['NOERROR', 1]),
      )
    }
  })

  it('answers by the way back that the routes say, though the query came another way', async () => {
    await serve('--transport', transport)
    for (const family of [4, 6] as const)
      for (const over of ['+notcp', '+tcp']) {
        const asked = anycast[family].map((address) => ask(address, over, { from: far[family] }))
        expect((await Promise.all(asked)).map(serverOf)).toEqual([...anycast[family]])
      }
    // A link-local address means nothing without its interface, and the client's says none here.
    expect(serverOf(await ask(linkLocal, '+notcp', { from: near[6] }))).toBe('fe80::1')
  })
})
