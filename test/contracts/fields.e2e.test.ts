// The fields of what the admin HTTP, the state file and the shared store hold, read off servers that have something to
// say in each of them. As in contracts.test.ts, a change shows as a change of the list beside this file.

import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { freePort } from '../support/free-ports.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { answerMistakes } from '../support/openapi.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { launch, type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const [living, dead] = ['127.0.0.91', '127.0.0.92']
const folder = temporaryFolder()

let mtas: OddMta[] = []
let redis: RedisServer
let server: RunningServer
let peer: RunningServer
/** Keeps overrides in its state file, since it has no store. */
let alone: RunningServer

const zoneOf = (port: number): string => `
zone: smtp.example.test
ttl: 60
soa: { mname: ns1, rname: hostmaster.example.test., minimum: 30 }
targets:
  mx1: { addresses: [${living}], region: eu, warmup: { from: 2020-01-01, days: 30 } }
  mx2: { addresses: [${dead}], region: us }
probes:
  inbound: { port: ${port}, level: banner, interval: 1s, fast_interval: 500ms, fall: 2, rise: 2 }
pools:
  main: { probe: inbound, targets: { mx1: 3, mx2: 1 }, availability_target: 99.9%, identity: { greeting: true, ptr: true } }
  empty: { probe: inbound, targets: { mx2: 1 } }
steering:
  inbound:
    - { when: { network: [198.51.100.0/24] }, pools: [main] }
    - { when: { network: [203.0.113.0/24] }, pools: [empty, main] }
    - { pools: [main] }
slots: { steer: inbound, names: [in1, in2, in3] }
records:
  '@': { NS: ns1, MX: { steer: inbound } }
  ns1: { A: 127.0.0.1 }
  relay: { address: { steer: inbound } }
`

beforeAll(async () => {
  redis = await startRedis()
  const port = await freePort([living, dead])
  mtas = await startGreeters([living], port)
  const start = (instance: string, state = redis.url): Promise<RunningServer> =>
    startServer({
      zones: { 'mail.yaml': zoneOf(port) },
      settings: [
        `instance: ${instance}`,
        `site: ${instance}-site`,
        'workers: 1',
        'lameduck: 0',
        `state: ${state}`,
        `state_dir: ${folder}`,
        `resolver: 127.0.0.1:${port}`,
        'load_token: a-token-for-loads-alone',
        '',
      ].join('\n'),
    })
  ;[server, peer, alone] = await Promise.all([start('one'), start('two'), start('alone', 'memory')])
  await Promise.all([
    server.waitForState('mx1', 'up', 30_000),
    server.waitForState('mx2', 'down', 30_000),
    peer.waitForState('mx2', 'down', 30_000),
  ])
})
afterAll(async () => {
  await server?.stop()
  await peer?.stop()
  await alone?.stop()
  await Promise.all(mtas.map((mta) => mta.close()))
  await redis?.kill()
})

/** `targets[].last.dialogue[].text`; names that an operator or a clock chose become `*`. */
function fieldsOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return [`${at}[]`, ...value.flatMap((one) => fieldsOf(one, `${at}[]`))]
  if (typeof value !== 'object' || value === null) return [at]
  return Object.entries(value).flatMap(([key, one]) => {
    const name = /^[a-z][A-Za-z0-9_]*$/.test(key) && !/^(mx\d|main|one|two)$/.test(key) ? key : '*'
    return fieldsOf(one, at === '' ? name : `${at}.${name}`)
  })
}

const list = (title: string, value: unknown): string =>
  `${title}\n${[...new Set(fieldsOf(value).map((one) => one.replace(/(\[\])+$/, '[]').replace(/(?<=reverse)\..*/, '')))].sort().join('\n')}\n`

async function write(path: string, body: object, to = server): Promise<unknown> {
  const reply = await fetch(`http://127.0.0.1:${to.adminPort}${path}`, {
    method: path.startsWith('/targets/') ? 'PUT' : 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  expect(reply.status).toBeLessThan(300)
  return reply.json()
}

/** Each key of the store, its type, and the shape of its values, with what differs from run to run replaced. */
async function storeShapes(): Promise<string> {
  const shapes = new Set<string>()
  for (const key of await stringsOf('keys', '*')) {
    const type = (await redis.command('type', key)).slice(1)
    const read = {
      string: ['get', key],
      hash: ['hvals', key],
      set: ['smembers', key],
    }[type]
    const values = read === undefined ? [''] : await stringsOf(...read)
    for (const value of values) shapes.add(`${shapeOf(key)} ${type} ${shapeOf(value)}`)
  }
  return [...shapes].sort().join('\n')
}

/** The bulk strings of a reply, which comes as RESP. */
const stringsOf = async (...words: readonly string[]): Promise<string[]> =>
  (await redis.command(...words)).split('\r\n').filter((line) => !/^[*$:]-?\d+$/.test(line))

function shapeOf(text: string): string {
  if (text.startsWith('{')) return [...new Set(fieldsOf(JSON.parse(text)))].sort().join(' ')
  return text
    .replace(/\b(one|two)(-site)?\b/g, 'NAME')
    .replace(/(?<=[|:]|^)[\w-]{16}(?=[|:]|$)/g, 'HASH')
    .replace(/\d+/g, 'N')
    .replace(/\|(ok|suspect|draining)\|NAME/, '|STATE|NAME')
    .replace(/(\[N,N,N\],?)+/g, '')
}

const get = async (path: string): Promise<unknown> => JSON.parse((await server.http(path)).body)

test('fields of the admin HTTP, of the state file, and of records in the store', async () => {
  const override = {
    target: 'mx1',
    pool: 'main',
    kind: 'weight',
    factor: 0.5,
    seconds: 3600,
    why: 'a list of fields',
    by: 'test',
  }
  const set = await write('/overrides', override)
  await write('/overrides', override, alone)
  // Down, and answered by nobody: its exposure is in the lists, and nothing else changes.
  await write('/overrides', {
    ...override,
    target: 'mx2',
    kind: 'drain',
    factor: undefined,
    force: true,
  })
  const load = await write('/targets/mx1/load', { load: 0.8, for: '10m' })
  const file = join(folder, 'alone.state')
  await until(() => existsSync(file) && readFileSync(file, 'utf8').includes('a list of fields'), {
    what: 'the override in the state file',
    withinMs: 20_000,
  })
  await until(async () => (await stringsOf('keys', '*:av:*')).length === 2, {
    what: 'the availability of both instances in the store',
    withinMs: 60_000,
  })
  await until(async () => hasReported((await get('/status')) as Status), {
    what: 'the report of the other instance, and what it has of the drained target in caches',
    withinMs: 60_000,
  })
  const explained = await get('/explain?name=smtp.example.test&type=MX&client=198.51.100.7')
  const slot = await get('/explain?name=in3.smtp.example.test&type=A&client=198.51.100.7')
  const relay = await get('/explain?name=relay.smtp.example.test&type=A&ecs=198.51.100.0/24')
  const simulated = launch([
    'simulate',
    'smtp.example.test',
    'MX',
    '--zones',
    server.zonesFolder,
    '--clients',
    '20',
    '--rounds',
    '2',
    '--json',
  ])
  expect((await simulated.exited).code).toBe(0)
  const keys = await keyReports()
  const pages = [
    list('GET /readyz', await get('/readyz')),
    list('GET /status', await get('/status')),
    list('GET /targets', await get('/targets')),
    list('GET /budgets', await get('/budgets?window=1h')),
    list('GET /overrides', await get('/overrides')),
    list('GET /explain', [explained, relay, slot]),
    ...(await consoleFields()),
    list('POST /overrides', set),
    list('PUT /targets/NAME/load', load),
    list('mxsteer simulate --json', JSON.parse(simulated.stdout())),
    list('mxsteer keys ds --json', keys.ds),
    list('mxsteer keys status --json', keys.status),
    list(
      'state file',
      readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ),
    `store\n${await storeShapes()}\n`,
  ]
  await expect(pages.join('\n')).toMatchFileSnapshot('./fields.txt')
}, 240_000)

interface Status {
  readonly peers: readonly { readonly version: string | null }[]
  readonly overrides: readonly { readonly exposure: { readonly unknown: number } | null }[]
}

const hasReported = ({ peers, overrides }: Status): boolean =>
  peers.length === 1 &&
  peers.every(({ version }) => version !== null) &&
  overrides.every(({ exposure }) => exposure === null || exposure.unknown === 0)

/** Of what a console asks for. */
async function consoleFields(): Promise<readonly string[]> {
  const reads = {
    '/overview': '/overview',
    '/targets/NAME': '/targets/mx2',
    '/history': '/history',
    '/zones': '/zones',
    '/zones/problems': '/zones/problems',
    '/names': '/names',
    '/who': '/who?name=smtp.example.test',
  }
  const lists: string[] = []
  for (const [route, path] of Object.entries(reads)) {
    const value = await get(path)
    lists.push(list(`GET ${route}`, value))
    expect([route, answerMistakes(`GET ${route}`, 200, value)]).toEqual([route, null])
  }
  const simulation = await write('/simulate', { name: 'smtp.example.test', clients: 20 })
  expect(answerMistakes('POST /simulate', 200, simulation)).toBe(null)
  // Which of their fields there are is a matter of what happened meanwhile.
  const others = ['/events', '/traffic', '/status', '/targets', '/overrides', '/budgets']
  for (const path of others)
    expect([path, answerMistakes(`GET ${path}`, 200, await get(path))]).toEqual([path, null])
  return [...lists, list('POST /simulate', simulation)]
}

/** Of a zone with a key that will be published, and one whose end is near. */
async function keyReports(): Promise<{ readonly ds: unknown; readonly status: unknown }> {
  const keysFolder = join(folder, 'keys')
  const run = async (...args: string[]): Promise<string> => {
    const command = launch(['keys', ...args, '--keys', keysFolder])
    await command.exited
    return command.stdout()
  }
  await run('generate', 'smtp.example.test')
  const [secret = ''] = readdirSync(keysFolder).filter((name) => name.endsWith('.private'))
  appendFileSync(join(keysFolder, secret), 'Inactive: 29990101000000\n')
  await run('generate', 'smtp.example.test')
  return {
    ds: JSON.parse(await run('ds', 'smtp.example.test', '--json')),
    status: JSON.parse(await run('status', '--json')),
  }
}
