// What was handed out judges what comes next: over restarts, and among instances that share a real redis-server.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'

import { apex, twoTargets, zoneOf } from '../support/names-zone.ts'
import { startRedis } from '../support/redis.ts'
import { runCommand, type RunningServer, startServer, temporaryFolder } from '../support/server.ts'
import { until } from '../support/wait.ts'

const ended: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
})

describe('a reload', () => {
  const policy = (...names: readonly string[]): string =>
    `mta_sts: { domain: ${apex}, mode: enforce, max_age: 1w, mx: [${names.map((name) => `${name}.${apex}`).join(', ')}] }`

  const before = zoneOf({ ...twoTargets, top: policy('mx1', 'mx2') })
  const renamed = {
    targets: 'in1: { addresses: [127.0.0.21] }, in2: { addresses: [127.0.0.22] }',
    pool: 'in1, in2',
  }
  const after = zoneOf({ ...renamed, top: policy('in1', 'in2') })

  const refusal = (server: RunningServer) =>
    server.waitForLog(({ event, code }) => event === 'config.error' && code === 'mta-sts-cached')

  it('is refused where a policy that senders hold allows nothing of it, after a restart as well', async () => {
    const state = temporaryFolder()
    const settings = `instance: one\nstate_dir: ${state}\n`
    const first = await startServer({ zones: { 'smtp.yaml': before }, settings })
    first.writeZone('smtp.yaml', after)
    expect((await refusal(first))['message']).toMatch(
      /^\S+ mta_sts: senders may hold a policy of smtp\.example\.test that does not allow in1\.smtp\.example\.test, in2\.smtp\.example\.test, and do not deliver there: safe from \d{4}-\d\d-\d\d \d\d:\d\d UTC on/,
    )
    first.writeZone('smtp.yaml', before)
    expect(await first.metric('mxsteer_names_remembered{kind="policies"}')).toBe(1)
    await first.stop()
    const second = await startServer({ zones: { 'smtp.yaml': before }, settings })
    ended.push(() => second.stop())
    // Renamed in one step of the policy, and with a way that is said to be meant.
    second.writeZone('smtp.yaml', after)
    await refusal(second)
    second.writeZone('smtp.yaml', `${after}force_names_until: 2999-01-01\n`)
    await second.waitForLog(
      ({ event, code }) => event === 'config.warning' && code === 'mta-sts-cached',
    )
    await second.waitForLog(({ event, cause }) => event === 'config.loaded' && cause !== 'start')
    expect(await second.metric('mxsteer_names_remembered{kind="policies"}')).toBe(2)
    const admin = ['--admin', `127.0.0.1:${second.adminPort}`]
    const { code, stdout } = await runCommand('coherence', apex, ...admin)
    expect(code).toBe(1)
    expect(stdout.split('\n')[1]).toMatch(
      /^in1\.smtp\.example\.test +unknown +none +excludes +unknown +unknown +none$/,
    )
    const status = await runCommand('status', ...admin)
    expect(status.stdout).toContain('names-apart')
  })

  it('is refused by what another instance has handed out, and this one never had', async () => {
    const redis = await startRedis()
    ended.push(() => redis.kill())
    const secret = join(temporaryFolder(), 'secret')
    writeFileSync(secret, 'a-secret-of-a-fleet-in-a-test-01\n', { mode: 0o600 })
    const start = async (instance: string, zone: string): Promise<RunningServer> => {
      const settings = `instance: ${instance}\nstate: ${redis.url}\nstate_secret_file: ${secret}\nstate_heartbeat: 300ms\n`
      const server = await startServer({ zones: { 'smtp.yaml': zone }, settings })
      ended.push(() => server.stop())
      return server
    }
    const remembered = (server: RunningServer): Promise<number | null> =>
      server.metric('mxsteer_names_remembered{kind="policies"}')
    const withoutPolicy = zoneOf(twoTargets)
    const earlier = await start('earlier', withoutPolicy)
    const one = await start('one', before)
    // It takes what the other one hands out while it serves; and at the start, where it was there before.
    await until(async () => (await remembered(earlier)) === 1, {
      what: 'the policy of the other instance',
      withinMs: 60_000,
    })
    await one.stop()
    const later = await start('later', withoutPolicy)
    expect(await remembered(later)).toBe(1)
    for (const server of [earlier, later]) {
      server.writeZone('smtp.yaml', after)
      expect((await refusal(server))['message']).toContain('senders may hold a policy')
    }
  }, 120_000)
})
