// What was handed out judges what comes next: over restarts, and among instances that share a real redis-server.

import { mkdirSync, writeFileSync } from 'node:fs'
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

const folderOf = (...zones: readonly string[]): string => {
  const folder = temporaryFolder()
  mkdirSync(folder, { recursive: true })
  for (const [i, zone] of zones.entries()) writeFileSync(join(folder, `${i}.yaml`), zone)
  return folder
}

describe('mxsteer check, by files alone', () => {
  const reverse = (name: string): string => `
zone: 127.in-addr.arpa
soa: { mname: ns1.${apex}., rname: hostmaster.${apex}. }
records:
  '@': { NS: ns1.${apex}. }
  21.0.0: { PTR: ${name} }
  22.0.0: { PTR: mx2.${apex}. }
`

  it('compares reverse names among the files with those of the targets', async () => {
    const right = await runCommand('check', folderOf(zoneOf(twoTargets), reverse(`mx1.${apex}.`)))
    expect(right.stderr).not.toContain('ptr-differs')
    const wrong = await runCommand(
      'check',
      folderOf(zoneOf(twoTargets), reverse('old.example.test.')),
    )
    expect(wrong.code).toBe(0)
    expect(wrong.stderr).toContain(
      `127.0.0.21 of target mx1 has the PTR old.example.test, and receivers compare that with the name of who sends: expected mx1.${apex}.`,
    )
    expect(wrong.stderr.match(/ptr-differs/g)).toHaveLength(1)
    const none = reverse(`mx1.${apex}.`).replace(/^ {2}22.*\n/m, '')
    const lacking = await runCommand('check', folderOf(zoneOf(twoTargets), none))
    expect(lacking.stderr).toContain('127.0.0.22 of target mx2 has no PTR')
  })

  it('prints what it knows of names, for people and for programs', async () => {
    const folder = folderOf(zoneOf(twoTargets), reverse('old.example.test.'))
    const { code, stdout } = await runCommand('check', folder, '--names')
    expect(code).toBe(0)
    const lines = stdout.split('\n').map((line) => line.trim().split(/ {2,}/))
    expect(lines.slice(0, 4)).toEqual([
      ['TARGET', 'CERTIFICATE', 'TLSA', 'MTA-STS', 'GREETING', 'PTR', 'SPF'],
      [`mx1.${apex}`, 'unknown', 'none', 'none', 'unknown', 'differs', 'none'],
      [`mx2.${apex}`, 'unknown', 'none', 'none', 'unknown', 'agrees', 'none'],
      [`mx1.${apex}: ptr: its addresses are old.example.test`],
    ])
    const json = JSON.parse((await runCommand('check', folder, '--names', '--json')).stdout) as {
      targets: readonly { exchange: string; names: readonly { facet: string; state: string }[] }[]
    }
    expect(json.targets.map(({ exchange, names }) => [exchange, names[4]?.state])).toEqual([
      [`mx1.${apex}`, 'differs'],
      [`mx2.${apex}`, 'agrees'],
    ])
  })

  it.each([
    [
      ['check', '--policy-port', '8443'],
      '--policy-port is of the look at hosted policies: it goes with --live',
    ],
    [
      ['check', '--state', '/nonexistent/one.state'],
      '--state /nonexistent/one.state: there is no such file',
    ],
    [['check', '--state', '/etc/passwd'], '--state /etc/passwd: it is no state file'],
    [['check', '--diff', 'x', '--names'], '--names goes without --diff'],
    [['check', '--diff', 'x', '--state', 'y'], '--state goes without --diff'],
    [['doctor', '--policy-port', '8443'], '--policy-port goes with --domain'],
    [['tlsa', 'mx1', '--admin', 'nonsense'], 'nonsense'],
    [
      ['delegation', '--parent', 'example.org'],
      `--parent is "example.org", expected a zone above ${apex}, such as example.test`,
    ],
    [['delegation', '--parent', apex], `expected a zone above ${apex}`],
  ])('refuses what does nothing: %s', async (words, why) => {
    const [command = '', ...rest] = words
    const folder = folderOf(zoneOf(twoTargets))
    const zones = command === 'check' ? [folder] : ['--zones', folder]
    const { code, stdout, stderr } = await runCommand(command, ...zones, ...rest)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(why)
  })
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
    const file = join(state, 'one.state')
    const judged = await runCommand('check', folderOf(after), '--state', file)
    expect(judged.code).toBe(1)
    expect(judged.stderr).toMatch(
      /mta_sts: senders may hold a policy of smtp\.example\.test that does not allow in1\./,
    )
    expect((await runCommand('check', folderOf(before), '--state', file)).code).toBe(0)
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
