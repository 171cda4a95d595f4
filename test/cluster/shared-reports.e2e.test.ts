// What instances report of themselves over a real redis-server: what the others know of it, what somebody else wrote in its
// place, and what is left out where there is too much.

import { afterEach, beforeEach, expect, test } from 'vitest'

import type { ReportingInstance, TargetExposures } from '../../src/cluster/cluster-votes.ts'
import { parseExposure, parseReport } from '../../src/cluster/shared-reports.ts'
import { allTogether, joinTestCluster, type TestMember } from '../support/cluster-member.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { until } from '../support/wait.ts'

const digestOf = (letter: string): string => letter.repeat(16)
const key = 'smtp.example.test mx1'
const hashOf = (instance: string): string => `mxsteer:{test}:v1:av:${instance}`

let redis: RedisServer
let members: Reporter[]

beforeEach(async () => {
  redis = await startRedis()
  members = []
})
afterEach(async () => {
  await Promise.all(members.map(({ cluster }) => cluster.stop()))
  await redis.kill()
})

interface Reporter extends TestMember {
  zones: ReadonlyMap<string, string>
  exposures: TargetExposures
}

interface Reported {
  readonly zones?: ReadonlyMap<string, string>
  readonly secret?: number
}

function join(instance: string, { zones = new Map(), secret }: Reported = {}): Reporter {
  const seals =
    secret === undefined
      ? {}
      : { seals: { secrets: [Buffer.alloc(32, secret)], mode: 'require' } as const }
  const member = joinTestCluster(instance, { port: redis.port, heartbeatMs: 200, ...seals })
  const reporter: Reporter = { ...member, zones, exposures: new Map() }
  member.cluster.reports.attach({
    version: `1.0-${instance}`,
    consoleUrl: `https://${instance}.example.test/console/`,
    zones: () => reporter.zones,
    isShared: (zone) => !zone.startsWith('odd'),
    exposures: () => reporter.exposures,
  })
  members.push(reporter)
  return reporter
}

const known = ({ cluster }: TestMember, instance: string): ReportingInstance | undefined =>
  cluster.reports.instances().find((one) => one.instance === instance)

/** Reads what others report with each heartbeat, as an instance does where a target is taken out. */
function watching(reporter: Reporter): Reporter {
  reporter.exposures = new Map([[key, { untilMs: 0, overrides: [] }]])
  return reporter
}

const soon = (what: string) => ({ what, withinMs: 10_000, everyMs: 50 })

test('each instance knows what the other is, serves and has in caches, and what becomes of it', async () => {
  const one = join('one', { zones: new Map([['a.test', digestOf('a')]]) })
  const two = join('two', {
    zones: new Map([
      ['a.test', digestOf('A')],
      ['b.test', digestOf('b')],
    ]),
  })
  await until(() => known(one, 'two')?.report && known(two, 'one')?.report, soon('both reports'))
  const [peer] = one.cluster.stateView().peers
  expect(peer).toMatchObject({
    instance: 'two',
    version: '1.0-two',
    consoleUrl: 'https://two.example.test/console/',
    zones: { zones: { 'a.test': digestOf('A'), 'b.test': digestOf('b') }, count: 2, unknown: 0 },
    exposure: { targets: new Map() },
  })
  expect(two.cluster.stateView().peers[0]?.zones).toMatchObject({
    zones: { 'a.test': digestOf('a'), 'b.test': null },
    count: 2,
  })

  two.exposures = new Map([[key, { untilMs: 1_800_000_000_000, overrides: ['id1'] }]])
  two.cluster.syncSoon()
  await until(() => known(one, 'two')?.exposure?.targets.has(key), soon('the exposure'))
  expect(known(one, 'two')?.exposure?.targets).toEqual(two.exposures)
  two.zones = one.zones
  await until(
    () => one.cluster.stateView().peers[0]?.zones?.count === 0,
    soon('zones that are alike'),
  )

  members = [one]
  two.cluster.leave()
  await until(() => one.cluster.stateView().peers[0]?.state === 'draining', soon('its end'))
  await two.cluster.stop()
  await until(() => known(one, 'two')?.state === 'stopped', soon('an instance that has stopped'))
  expect(known(one, 'two')?.exposure?.targets).toEqual(two.exposures)
  expect(Math.abs((known(one, 'two')?.goneMs ?? 0) - Date.now())).toBeLessThan(30_000)
  expect(one.cluster.stateView().rejected).toBe(0)
})

test('an instance that falls silent is known as that', async () => {
  const [one, two] = [join('one'), join('two')]
  await until(() => known(one, 'two')?.report, soon('the report'))
  members = [one]
  two.cluster.cede()
  await until(() => known(one, 'two')?.state === 'silent', soon('an instance that is silent'))
  expect(one.cluster.stateView().missing).toMatchObject([{ instance: 'two' }])
})

test('what is no report is counted and as if it were not there; hostile parts and parts of later versions as well', async () => {
  const one = watching(join('one'))
  join('two')
  await until(() => known(one, 'two')?.report, soon('the report'))
  const { epoch } = await epochOf('two')
  const written = { epoch, version: 'a\u001b[31m', console: 'javascript:alert(1)', later: [1] }
  const report = JSON.stringify(written)
  await until(async () => {
    await forge('two', 'report', report)
    return known(one, 'two')?.report?.version === null
  }, soon('what was written'))
  expect(known(one, 'two')?.report).toEqual({
    version: null,
    consoleUrl: null,
    zones: null,
    zonesLeftOut: 0,
  })
  await until(async () => {
    await forge('two', 'exposure', '{"epoch":1,"targets":"x"}')
    return known(one, 'two')?.exposure === null
  }, soon('what is no exposure'))
  expect(one.cluster.stateView().rejected).toBeGreaterThan(0)
})

/** Its instance writes its own again, so that this is to be repeated. */
const forge = (instance: string, field: string, value: string): Promise<string> =>
  redis.command('hset', hashOf(instance), field, value)

/** Of the boot that the heartbeat is of. */
async function epochOf(instance: string): Promise<{ readonly epoch: number }> {
  const heartbeat = await redis.command('get', `mxsteer:{test}:v1:hb:${instance}`)
  return { epoch: Number(/(\d+)\|/.exec(heartbeat)?.[1]) }
}

test('reports of an earlier boot, without a seal, and larger than they can be, do not count', async () => {
  const one = watching(join('one', { secret: 1 }))
  join('two', { secret: 1 })
  await until(() => known(one, 'two')?.report, soon('the report'))
  const sealed = await redis.command('hget', hashOf('two'), 'report')
  expect(sealed).toMatch(/~two~\d+~[\w-]{22}/)
  await until(async () => {
    await forge('two', 'report', `{"epoch":${(await epochOf('two')).epoch},"version":"9"}`)
    return known(one, 'two')?.report === null
  }, soon('what has no seal'))
  await until(() => known(one, 'two')?.report?.version === '1.0-two', soon('the report again'))
  const before = one.cluster.stateView().oversized
  await until(async () => {
    await forge('two', 'exposure', 'x'.repeat(40_000))
    return one.cluster.stateView().oversized > before
  }, soon('a record that is too large'))
  // What another boot wrote has a good seal, and is not of the heartbeat.
  expect(parseReport('{"epoch":7,"version":"1"}')?.epoch).toBe(7)
})

test('of thousands of zones those come first that are not alike everywhere', async () => {
  const many = (letter: string): [string, string][] =>
    Array.from({ length: 5000 }, (_, i) => [`zone-${i}.example.test`, digestOf(letter)])
  const one = join('one', { zones: new Map([...many('a'), ['odd.test', digestOf('x')]]) })
  const two = join('two', { zones: new Map([...many('a'), ['odd.test', digestOf('y')]]) })
  await allTogether(one, two)
  await until(() => known(one, 'two')?.report?.zones?.has('odd.test'), soon('the odd zone'))
  const { zones, zonesLeftOut = 0 } = known(one, 'two')?.report ?? {}
  expect((zones?.size ?? 0) + zonesLeftOut).toBe(5001)
  expect(zones?.size).toBeGreaterThan(500)
  const text = await redis.command('hstrlen', hashOf('two'), 'report')
  expect(Number(text.slice(1))).toBeLessThan(35_000)
  expect(one.cluster.stateView()).toMatchObject({
    peers: [{ zones: { zones: { 'odd.test': digestOf('y') }, count: 1, unknown: zonesLeftOut } }],
    unreported: zonesLeftOut,
  })
})

test('records are read strictly', () => {
  const exposure = { epoch: 1, at: 5, targets: [['z', 't', 7, 'id']], later: true }
  expect(parseExposure(JSON.stringify(exposure))).toEqual({
    epoch: 1,
    value: { atMs: 5, targets: new Map([['z t', { untilMs: 7, overrides: ['id'] }]]) },
  })
  const bad = [
    { ...exposure, epoch: 0 },
    { ...exposure, at: -1 },
    { ...exposure, targets: [['z', 't']] },
    { ...exposure, targets: [['z', 't x', 1]] },
    { ...exposure, targets: [['z', 't', 1e18]] },
    { ...exposure, targets: [['z', 't', 1, '\u202e']] },
    [],
    null,
  ]
  for (const one of bad) expect(parseExposure(JSON.stringify(one))).toBe(null)
  expect(parseReport('{"version":"1"}')).toBe(null)
  const hostile = { epoch: 1, version: 'v', console: 'http://u:p@x/', zones: [['__proto__', 'x']] }
  expect(parseReport(JSON.stringify(hostile))?.value).toEqual({
    version: 'v',
    consoleUrl: null,
    zones: null,
    zonesLeftOut: 0,
  })
})
