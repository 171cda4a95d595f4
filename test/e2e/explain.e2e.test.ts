// `mxsteer explain` of a running server, `simulate` and `check --diff` of folders, as an operator types them.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Explanation } from '../../src/explain/explain.ts'
import { ladderOf } from '../support/dns-client.ts'
import { freePort } from '../support/free-ports.ts'
import { exchangeOf, mailDomain, mailZone } from '../support/mail-zone.ts'
import { type OddMta, startGreeters } from '../support/odd-mtas.ts'
import { runCommand, temporaryFolder } from '../support/server.ts'
import { clientOf, servedZone } from '../support/served-zone.ts'
import { until } from '../support/wait.ts'

const targets = {
  mx1: { address: '127.0.0.71', weight: 3 },
  mx2: { address: '127.0.0.72', weight: 1 },
  mx3: { address: '127.0.0.73', weight: 1 },
  /** Nobody listens there. */
  dead: { address: '127.0.0.74', weight: 1 },
}
const answers = 3000
const sigmas = 5

let mtas: OddMta[] = []
let zoneText = ''

const server = servedZone(async () => {
  const addresses = Object.values(targets).map(({ address }) => address)
  const port = await freePort(addresses)
  mtas = await startGreeters(addresses.slice(0, 3), port)
  zoneText = mailZone({ targets, port, probe: { level: 'banner' } })
  return { zones: { 'explain.yaml': zoneText } }
})
const client = clientOf(server)
beforeAll(async () => {
  await server.waitForState('dead', 'down', 30_000)
})
afterAll(async () => {
  await Promise.all(mtas.map((mta) => mta.close()))
})

const admin = (): readonly string[] => ['--admin', `127.0.0.1:${server.adminPort}`]

async function explain(...args: readonly string[]): Promise<Explanation> {
  const { code, stdout, stderr } = await runCommand('explain', ...args, '--json', ...admin())
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout) as Explanation
}

const columnsOf = (text: string): number => Math.max(...text.split('\n').map((line) => line.length))

const isNear = (drawn: number, share: number, runs: number): boolean =>
  Math.abs(drawn - share) <= sigmas * Math.sqrt((share * (1 - share)) / runs) + 1e-9

async function firstRungs(): Promise<ReadonlyMap<string, number>> {
  const firsts = new Map<string, number>()
  for (const reply of await client.askMany(mailDomain, 'MX', answers)) {
    const first = ladderOf(reply)[0]?.exchange ?? ''
    firsts.set(first, (firsts.get(first) ?? 0) + 1)
  }
  return firsts
}

describe('explain', () => {
  it('tells shares that the answers of the server have, and who is down and why', async () => {
    const { steering, answer } = await explain(mailDomain, 'MX', '--client', '127.0.0.1')
    const firsts = await firstRungs()
    const shares = steering?.shares.targets.filter(({ expected }) => expected !== 0) ?? []
    expect(shares.map(({ target }) => exchangeOf(target)).toSorted()).toEqual(
      [...firsts.keys()].toSorted(),
    )
    for (const { target, expected } of shares) {
      const drawn = (firsts.get(exchangeOf(target)) ?? 0) / answers
      expect(isNear(drawn, expected ?? NaN, answers), `${target} ${drawn}`).toBe(true)
    }
    const dead = steering?.pools[0]?.members.find(({ target }) => target === 'dead')
    expect(dead).toMatchObject({ standing: 'out', why: 'down', weight: 0, configured: 1 })
    expect(dead?.addresses[0]).toMatchObject({ state: 'down', reason: 'connect-refused' })
    expect(answer.records).toHaveLength(3)
  })

  it('tells overrides, whose they are, and counts nothing as handed out', async () => {
    const drained = await runCommand('drain', 'mx3', '--for', '2h', '--why', 'disk', ...admin())
    expect(drained.code).toBe(0)
    const sample = 'mxsteer_queries_total{type="MX"}'
    const before = await server.metric(sample)
    const { steering } = await explain(mailDomain)
    const mx3 = steering?.pools[0]?.members.find(({ target }) => target === 'mx3')
    expect(mx3).toMatchObject({ standing: 'out', why: 'drained' })
    expect(mx3?.overrides).toEqual([expect.objectContaining({ kind: 'drain', why: 'disk' })])
    expect(await server.metric(sample)).toBe(before)
    await until(async () => (await firstRungs()).size === 2, {
      what: 'two of them',
      withinMs: 30_000,
    })
  })

  it('reads well: every stage, within 100 columns', async () => {
    const { code, stdout } = await runCommand(
      'explain',
      mailDomain,
      'MX',
      '--client=198.51.100.7',
      '--ecs=203.0.113.0/24',
      ...admin(),
    )
    expect(code).toBe(0)
    expect(columnsOf(stdout)).toBeLessThanOrEqual(100)
    const stages = [
      'Name',
      'Client',
      'Steering',
      'Rules',
      'Pools',
      'Chosen',
      'TTL',
      'Scope',
      'Answer',
    ]
    const found = stdout.split('\n').flatMap((line) => /^([A-Z]\w+) {2}/.exec(line)?.[1] ?? [])
    expect(found).toEqual(stages)
    expect(stdout).toContain('the subnet 203.0.113.0/24 (EDNS Client Subnet) decides')
    expect(stdout).toMatch(/dead +out +0 += +1/)
    expect(stdout).toContain('out: all its addresses are down')
    expect(stdout).toMatch(/127\.0\.0\.74 down since .*, connect-refused/)
    expect(stdout).toMatch(/drain until .*"disk"/)
    expect(stdout).toContain('/0: one rule, for everyone')
  })

  it.each([
    [[mailDomain, 'MOX'], 'is no type of records', 1],
    [[mailDomain, 'MX', '--client', '1.2.3'], '"1.2.3" is no address', 1],
    [[mailDomain, 'MX', '--ecs', '10.1.0.0/8'], 'expected the network 10.0.0.0/8', 1],
    [[], 'give a name and a type', 2],
  ])('%j: %s', async (args, why, code) => {
    const done = await runCommand('explain', ...args, ...admin())
    expect(done.code).toBe(code)
    expect(done.stderr).toContain(why)
  })

  it('refuses parameters that it does not know, over HTTP', async () => {
    const reply = await server.http(`/explain?name=${mailDomain}&clinet=1.2.3.4`)
    expect(reply.status).toBe(400)
    expect(JSON.parse(reply.body)).toMatchObject({ error: { code: 'bad-field' } })
  })
})

describe('simulate', () => {
  it('has the distribution that the server has in the same state', async () => {
    const args = [
      'simulate',
      mailDomain,
      'MX',
      '--zones',
      server.zonesFolder,
      '--seed',
      '7',
      '--json',
    ]
    const state = ['--down', 'dead', '--drain', 'mx3', '--at', '2026-12-03']
    const { code, stdout } = await runCommand(...args, ...state)
    expect(code).toBe(0)
    const { all } = JSON.parse(stdout) as {
      all: { answers: number; targets: { target: string; expected: number; drawn: number }[] }
    }
    const firsts = await firstRungs()
    for (const { target, expected, drawn } of all.targets) {
      const answered = (firsts.get(exchangeOf(target)) ?? 0) / answers
      expect(isNear(answered, expected, answers), `${target} ${answered}`).toBe(true)
      expect(isNear(drawn, expected, all.answers), `${target} ${drawn}`).toBe(true)
    }
    expect((await runCommand(...args, ...state)).stdout).toBe(stdout)
  })

  it('reads clients of a file, and names every bad line; prints tables within 100 columns', async () => {
    const folder = temporaryFolder()
    const [good, bad] = [join(folder, 'good'), join(folder, 'bad')]
    writeFileSync(good, '# ours\n198.51.100.7\n2001:db8::/48 # a network\n')
    writeFileSync(bad, '198.51.100.7\n198.51.100.777\n\nnobody\n')
    const args = [
      'simulate',
      `relay.${mailDomain}`,
      'A',
      '--zones',
      server.zonesFolder,
      '--clients',
    ]
    const { code, stdout } = await runCommand(...args, good)
    expect(code).toBe(0)
    expect(columnsOf(stdout)).toBeLessThanOrEqual(100)
    expect(stdout).toContain('2 clients, 20000 answers, seed 1')
    const failed = await runCommand(...args, bad)
    expect(failed.code).toBe(2)
    expect(failed.stderr).toContain(`${bad}:2: "198.51.100.777"`)
    expect(failed.stderr).toContain(`${bad}:4: "nobody"`)
  })
})

describe('check --diff', () => {
  const folderOf = (text: string): string => {
    const folder = join(temporaryFolder(), 'zones')
    mkdirSync(folder)
    writeFileSync(join(folder, 'zone.yaml'), text)
    return folder
  }

  it('exits 0 where nothing differs, 1 where something does, 2 in trouble', async () => {
    const served = server.zonesFolder
    const same = await runCommand('check', '--zones', served, '--diff', folderOf(zoneText))
    expect([same.code, same.stdout, same.stderr]).toEqual([0, 'no name answers differently\n', ''])

    const changed = zoneText
      .replace('mx1: 3', 'mx1: 1')
      .replace('ns1: { A: 127.0.0.1', 'ns1: { A: 127.0.0.2')
    const other = await runCommand('check', served, '--diff', folderOf(changed))
    expect(other.code).toBe(1)
    expect(columnsOf(other.stdout)).toBeLessThanOrEqual(100)
    expect(other.stdout).toContain(`ns1.${mailDomain} A\n  - 60 127.0.0.1\n  + 60 127.0.0.2\n`)
    expect(other.stdout).toMatch(/ MX\n {2}everyone \(rule 1\)\n {4}pool 1: .*\n/)
    expect(other.stdout).toMatch(/ {4}mx1 +50\.0 % +→ +25\.0 %/)

    const broken = await runCommand(
      'check',
      served,
      '--diff',
      folderOf(zoneText.replace('soa:', 'so:')),
    )
    expect(broken.code).toBe(2)
    expect(broken.stderr).toMatch(/zone\.yaml:\d+:\d+/)
    const missing = await runCommand('check', served, '--diff', '/nonexistent/zones')
    expect(missing.code).toBe(2)
  })
})
