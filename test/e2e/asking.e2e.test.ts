// Who gets whom, what if, and the zones, as a running server tells them: judged by what it answers once that is so, and by
// the files that it was given.

import { afterAll, expect, test } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { startGreeters } from '../support/odd-mtas.ts'
import { servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const hosts = ['127.0.0.96', '127.0.0.97', '127.0.0.98']

const zoneText = (port: number): string => `
zone: smtp.example.test
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
  eu1: { addresses: [${hosts[0]}], region: eu }
  eu2: { addresses: [${hosts[1]}], region: eu }
  us1: { addresses: [${hosts[2]}], region: us }
  new1: { addresses: [192.0.2.9], region: us, warmup: { from: 2199-01-01, days: 10 } }
probes:
  inbound: { port: ${port}, level: banner, interval: 1s, fast_interval: 500ms, fall: 2, rise: 1 }
pools:
  eu: { probe: inbound, targets: { eu1: 3, eu2: 1 } }
  us: { probe: inbound, targets: { us1: 1, new1: 1 } }
steering:
  inbound:
    - { when: { network: [198.51.100.0/24] }, pools: [eu, us] }
    - { when: { asn: [64500] }, pools: [us] }
    - { pools: [us, eu] }
records:
  '@': { NS: ns1, MX: { steer: inbound }, TXT: '"token: hunter2hunter2"' }
  ns1: { A: 127.0.0.1 }
  relay: { address: { steer: inbound } }
`

let mtas: Awaited<ReturnType<typeof startGreeters>> = []
let port = 0

const server = servedZone(async () => {
  port = await freePort(hosts)
  mtas = await startGreeters(hosts, port)
  return { zones: { 'mail.yaml': zoneText(port) } }
})
afterAll(() => Promise.all(mtas.map((mta) => mta.close())))

interface Answer {
  readonly status: number
  readonly value: unknown
}

async function ask(path: string, body?: object, method: string = 'POST'): Promise<Answer> {
  const reply = await fetch(`http://127.0.0.1:${server.adminPort}${path}`, {
    ...(body && {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  const text = await reply.text()
  const isJson = reply.headers.get('content-type')?.startsWith('application/json') === true
  return { status: reply.status, value: isJson ? (JSON.parse(text) as unknown) : text }
}

/** Asks again where another simulation is under way, or the machine took longer than one may. */
async function simulate(body: object): Promise<Answer> {
  let answer: Answer | null = null
  const what = 'a simulation'
  await until(async () => (answer = await ask('/simulate', body)).status !== 503, {
    what,
    withinMs: 60_000,
  })
  return answer as unknown as Answer
}

interface Side {
  readonly all: { readonly targets: readonly { target: string; expected: number | null }[] }
}

const sharesOf = ({ all }: Side): Record<string, number | null> =>
  Object.fromEntries(
    all.targets.flatMap(({ target, expected }) => (expected ? [[target, expected]] : [])),
  )

const name = 'smtp.example.test'

test('who gets whom: each class with its rule and shares, as /explain has them for its example', async () => {
  for (const host of ['eu1', 'eu2', 'us1']) await server.waitForState(host, 'up', 30_000)
  const { status, value } = await ask(`/who?name=${name}&type=MX`)
  expect(status).toBe(200)
  expect(value).toMatchObject({
    name,
    type: 'MX',
    policy: 'inbound',
    pools: ['eu', 'us'],
    more: 0,
    classes: [
      {
        labels: ['network 198.51.100.0/24'],
        rule: 1,
        when: 'network 198.51.100.0/24',
        example: '198.51.100.0',
        pools: [
          { pool: 'eu', lead: 1 },
          { pool: 'us', lead: 0 },
        ],
        targets: [
          { target: 'eu1', expected: 0.75 },
          { target: 'eu2', expected: 0.25 },
        ],
        isLastResort: false,
      },
      { labels: ['AS64500'], rule: 2, when: 'asn 64500', example: null },
      { labels: ['everyone else'], rule: 3, when: null, targets: [{ target: 'us1', expected: 1 }] },
    ],
  })
  const explained = (await ask(`/explain?name=${name}&type=MX&client=198.51.100.0`)).value as {
    readonly steering: { readonly shares?: unknown }
  }
  expect(JSON.stringify(explained)).toContain('0.75')
})

test('what if: what it says beforehand is what is answered once it is so', async () => {
  const asked = { name, clients: 50, by: 'rule' }
  const plain = await simulate(asked)
  expect(plain.value).toMatchObject({ name, type: 'MX', health: 'live', ttl: 60, clients: 50 })
  const before = (plain.value as { before: Side; after: Side }).before
  expect(sharesOf(before)).toEqual({ us1: 1 })
  const foretold = await simulate({ ...asked, drain: ['us1'] })
  const { after } = foretold.value as { after: Side }
  expect(sharesOf(after)).toEqual({ eu1: 0.75, eu2: 0.25 })
  const weighted = await simulate({ ...asked, down: ['region:us'], weights: { eu1: 1 / 3 } })
  expect(sharesOf((weighted.value as { after: Side }).after)).toEqual({ eu1: 0.5, eu2: 0.5 })
  const drain = { target: 'us1', kind: 'drain', seconds: 600, force: true }
  const set = await ask('/overrides', drain)
  expect(set.status).toBe(201)
  const now = await simulate(asked)
  expect(sharesOf((now.value as { before: Side }).before)).toEqual(sharesOf(after))
  const healthy = await simulate({ ...asked, health: 'all-up' })
  expect(sharesOf((healthy.value as { before: Side }).before)).toEqual({ us1: 1 })
  const later = await simulate({ ...asked, health: 'all-up', at: '2199-02-01' })
  expect(sharesOf((later.value as { after: Side }).after)).toMatchObject({ us1: 1 })
  const gone = await simulate({ ...asked, down: ['pool:eu', 'pool:us'] })
  expect(
    (gone.value as { after: { all: { reasons: object } } }).after.all.reasons,
  ).not.toHaveProperty('eligible')
})

test.each([
  [{ name: 'x..y' }, 400, 'bad-field', /name/],
  [{ name, type: 'NOTHING' }, 400, 'bad-field', /type/],
  [{ name, down: ['eu9'] }, 400, 'bad-field', /eu9.*eu1/],
  [{ name, down: Array.from({ length: 101 }, () => 'eu1') }, 400, 'bad-field', /at most 100/],
  [{ name, weights: { eu1: 101 } }, 400, 'bad-field', /0 to 100/],
  [{ name, clients: 2001 }, 400, 'bad-field', /2000/],
  [{ name, at: 'soon' }, 400, 'bad-field', /2026/],
  [{ name, by: 'colour' }, 400, 'bad-field', /continent/],
  [{ name, dwon: [] }, 400, 'unknown-field', /dwon/],
  [{ name: `ns1.${name}`, type: 'A' }, 404, 'not-steered', /plain/],
])('a simulation of %j is refused: %i %s', async (body, status, code, message) => {
  const answer = await simulate(body)
  const { error } = answer.value as { error: { code: string; message: string } }
  expect([answer.status, error.code]).toEqual([status, code])
  expect(error.message).toMatch(message)
})

test.each([
  [`/who?name=ns1.${name}&type=A`, 404, 'not-steered'],
  ['/who?name=x..y', 400, 'bad-field'],
  [`/who?name=${name}&client=192.0.2.1`, 400, 'bad-field'],
  ['/zones/other.example/file', 404, 'unknown-zone'],
])('%s is refused: %i %s', async (path, status, code) => {
  const answer = await ask(path)
  expect([answer.status, answer.value]).toMatchObject([status, { error: { code } }])
})

test('zones, their names and files; and a refused load beside what is served', async () => {
  const { value } = await ask('/zones')
  expect(value).toMatchObject({
    more: 0,
    mistakes: 0,
    zones: [
      {
        zone: name,
        file: 'mail.yaml',
        signed: false,
        hash: expect.stringMatching(/^[\w-]{16}$/) as string,
        policies: [
          {
            name: 'inbound',
            rules: [
              { when: 'network 198.51.100.0/24', pools: ['eu', 'us'] },
              { when: 'asn 64500', pools: ['us'] },
              { when: null, pools: ['us', 'eu'] },
            ],
          },
        ],
        pools: [
          {
            name: 'eu',
            targets: [
              { target: 'eu1', weight: 3 },
              { target: 'eu2', weight: 1 },
            ],
          },
          { name: 'us' },
        ],
      },
    ],
  })
  const [zone] = (value as { zones: readonly { steered: readonly { name: string }[] }[] }).zones
  expect(zone?.steered.map((one) => one.name)).toEqual([name, `relay.${name}`])
  expect((await ask('/names?prefix=relay')).value).toMatchObject({
    names: [{ name: `relay.${name}`, type: 'A', zone: name }],
    more: 0,
  })
  const served = (await ask(`/zones/${name}/file`)).value as string
  expect(served).not.toContain('hunter2')
  expect(served.split('\n').slice(0, 12)).toEqual(zoneText(port).split('\n').slice(0, 12))
  expect((await ask('/zones/problems')).value).toEqual({ at: null, files: [] })

  server.writeZone('mail.yaml', zoneText(port).replace('pools: [us, eu] }', 'pools: [usa, eu] }'))
  let problems: unknown
  await until(
    async () => {
      problems = (await ask('/zones/problems')).value
      return (problems as { files: readonly unknown[] }).files.length > 0
    },
    { what: 'the refused load', withinMs: 30_000 },
  )
  expect(problems).toMatchObject({
    files: [
      {
        file: 'mail.yaml',
        zone: name,
        text: expect.stringContaining('pools: [usa, eu]') as string,
        mistakes: [
          { severity: 'error', line: 19, path: expect.stringContaining('steering') as string },
        ],
      },
    ],
  })
  expect((await ask(`/zones/${name}/file`)).value).toBe(served)
  expect((await ask('/zones')).value).toMatchObject({ mistakes: 1 })
})
