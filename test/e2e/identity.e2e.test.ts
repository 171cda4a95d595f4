// What targets look like from outside, as a running server finds it: MTAs on loopback that greet as they like, BIND as
// the resolver that knows their reverse names and a DNS list.

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { startBind } from '../support/bind.ts'
import type { ForeignServer } from '../support/foreign-server.ts'
import { freePort } from '../support/free-ports.ts'
import { type OddMta, startOddMta } from '../support/odd-mtas.ts'
import { type RunningServer, startServer } from '../support/server.ts'
import { until } from '../support/wait.ts'
import { identityZone, loopbackZones, politeMta } from './identity-world.ts'

interface IdentityReport {
  readonly target: string
  readonly address: string
  readonly banner: string | null
  readonly ehlo: string | null
  readonly lookedAt: string | null
  readonly reverse: { readonly state: string; readonly names?: readonly string[] } | null
  readonly listings: readonly { readonly list: string; readonly believed: boolean }[]
  readonly findings: readonly { readonly kind: string }[]
}
interface MemberReport {
  readonly target: string
  readonly weight: { readonly reputation: number; readonly effective: number }
}

const zone = 'smtp.example.test'
let bind: ForeignServer
let mtas: readonly OddMta[] = []
let server: RunningServer
let reports: readonly IdentityReport[] = []

beforeAll(async () => {
  bind = await startBind(loopbackZones())
  const port = await freePort(['127.0.0.81', '127.0.0.82', '127.0.0.83'])
  mtas = await Promise.all([
    startOddMta('127.0.0.81', port, politeMta(`mx1.${zone}`)),
    startOddMta('127.0.0.82', port, politeMta('other.example.net')),
    startOddMta('127.0.0.83', port, politeMta(`mx3.${zone}`)),
  ])
  server = await startServer({
    zones: { 'smtp.yaml': identityZone(port) },
    settings: `resolver: 127.0.0.1:${bind.port}\nlameduck: 0s\n`,
  })
  reports = await until(
    async () => {
      const found = await identities()
      const isSeen = found.every((one) => one.lookedAt !== null && one.banner !== null)
      return isSeen && found.length === 3 ? found : null
    },
    { what: 'a look at each target', withinMs: 120_000, everyMs: 100 },
  )
}, 600_000)
afterAll(async () => {
  await server?.stop()
  await bind?.stop()
  await Promise.all(mtas.map((mta) => mta.close()))
})

const targetsPage = async (): Promise<{
  identity: readonly IdentityReport[]
  members: readonly MemberReport[]
}> => JSON.parse((await server.http('/targets')).body)
const identities = async (): Promise<readonly IdentityReport[]> => (await targetsPage()).identity
const reportOf = (target: string): IdentityReport | undefined =>
  reports.find((one) => one.target === target)

describe('/targets shows', () => {
  it('nothing to mend of who is well', () => {
    expect(reportOf('mx1')).toMatchObject({
      address: '127.0.0.81',
      banner: `mx1.${zone}`,
      ehlo: `mx1.${zone}`,
      reverse: { state: 'confirmed', names: [`mx1.${zone}`] },
      listings: [],
      findings: [],
    })
  })

  it('everything that is wrong', () => {
    const { findings = [], ...seen } = reportOf('mx2') ?? {}
    expect(findings.map(({ kind }) => kind)).toEqual([
      'banner-name',
      'ehlo-name',
      'ptr-unconfirmed',
      'listed',
    ])
    expect(seen).toMatchObject({ listings: [{ list: 'bl.test', believed: true }] })
  })

  it('who has no reverse name', () => {
    expect(reportOf('mx3')?.findings.map(({ kind }) => kind)).toEqual(['ptr-missing'])
  })

  it('and no target is down for it: the listed one has less weight', async () => {
    await server.waitForState('mx2', 'up', 10_000)
    const { members } = await targetsPage()
    const weights = members.map(({ target, weight }) => [
      target,
      weight.reputation,
      weight.effective,
    ])
    expect(weights).toEqual([
      ['mx1', 1, 2],
      ['mx2', 0.25, 0.5],
      ['mx3', 1, 2],
    ])
  })
})

it('metrics have a sample of each finding that is asked for', async () => {
  const labels = (target: string, address: string, finding: string): string =>
    `mxsteer_identity_finding{zone="${zone}",pool="relays",target="${target}",address="${address}",finding="${finding}"}`
  expect(await server.metric(labels('mx2', '127.0.0.82', 'listed'))).toBe(1)
  expect(await server.metric(labels('mx2', '127.0.0.82', 'ptr-missing'))).toBe(0)
  expect(await server.metric(labels('mx3', '127.0.0.83', 'ptr-missing'))).toBe(1)
  expect(await server.metric(labels('mx1', '127.0.0.81', 'banner-name'))).toBe(0)
  expect(await server.metric('mxsteer_dnsbl_usable{list="bl.test",family="4"}')).toBe(1)
  expect(await server.metric('mxsteer_dnsbl_usable{list="dead.test",family="4"}')).toBe(0)
  const answered = await server.metric('mxsteer_resolver_questions_total{result="answered"}')
  expect(answered).toBeGreaterThan(5)
})

it('the log has each finding once, and the list that is not believed', async () => {
  const events = server.logs().filter(({ event }) => /^(identity|dnsbl)\./.test(event ?? ''))
  const found = events
    .filter(({ event }) => event === 'identity.finding')
    .map((line) => `${String(line['target'])} ${String(line['finding'])}`)
  expect([...found].sort()).toEqual([
    'mx2 banner-name',
    'mx2 ehlo-name',
    'mx2 listed',
    'mx2 ptr-unconfirmed',
    'mx3 ptr-missing',
  ])
  const lists = events.filter(({ event }) => event === 'dnsbl.unusable')
  expect(lists).toMatchObject([{ list: 'dead.test', family: 4, why: 'lists-everything' }])
})

it('without the setting a warning says what is missing', async () => {
  const port = await freePort()
  const zones = { 'smtp.yaml': identityZone(port) }
  const blind = await startServer({ zones, flags: ['--lameduck', '0s'] })
  const line = await blind.waitForLog(({ event }) => event === 'identity.blind', 10_000)
  expect(line).toMatchObject({ message: 'PTR and DNS lists need the setting resolver' })
  await blind.stop()
})
