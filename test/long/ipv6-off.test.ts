// A host whose IPv6 is off, while the settings listen on [::] as well: IPv4 answers, the server is ready and its watchdog
// is fed. A query of our own that cannot be sent is no silence of the socket. Either way to switch it off: by sysctl,
// where sockets can be made and no interface has an address, and in the kernel, where they cannot be made at all.

import { afterEach, describe, expect, test } from 'vitest'

import { mailDomain, mailZone } from '../support/mail-zone.ts'
import { createNamespace, type Namespace } from '../support/namespace.ts'
import { dnsPort, launchIn, type NamespacedServer } from '../support/namespaced-server.ts'
import { type NotifyReader, startNotifyReader } from '../support/notify-reader.ts'
import { watchChild } from '../support/server.ts'
import { until } from '../support/wait.ts'

const zone = mailZone({ targets: { mx1: { address: '127.0.0.84', weight: 1 } }, port: 9 })
const wildcards = ['--listen', `0.0.0.0:${dnsPort}`, '--listen', `[::]:${dnsPort}`]

/** Runs a command under a filter of system calls that knows no family of IPv6, as a kernel without it. */
const withoutFamily = [
  'perl',
  '-e',
  `my ($calls, $socket) = $^O eq 'linux' && qx(uname -m) =~ /aarch64/ ? (167, 198) : (157, 41);
   my @filter = ([0x20, 0, 0, 0], [0x15, 0, 3, $socket], [0x20, 0, 0, 16], [0x15, 0, 1, 10],
     [0x06, 0, 0, 0x00050000 | 97], [0x06, 0, 0, 0x7fff0000]);
   my $code = join '', map { pack 'SCCL', @$_ } @filter;
   my $program = pack 'Sx6P', scalar @filter, $code;
   syscall($calls, 38, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
   syscall($calls, 22, 2, $program) == 0 or die "seccomp: $!";
   exec @ARGV or die $!`,
]

let host: Namespace | undefined
let server: NamespacedServer | undefined
let reader: NotifyReader | undefined
afterEach(async () => {
  await server?.stop()
  await reader?.stop()
  host?.remove()
  server = host = reader = undefined
})

function makeHost(isIpv6On: boolean): Namespace {
  host = createNamespace()
  setIpv6(host, isIpv6On)
  host.ip('link set lo up')
  return host
}

function setIpv6(namespace: Namespace, isOn: boolean): void {
  for (const scope of ['all', 'default', 'lo'])
    namespace.sysctl(`ipv6/conf/${scope}/disable_ipv6`, isOn ? 0 : 1)
}

interface Serving {
  readonly flags: readonly string[]
  readonly through?: readonly string[]
}

/** Starts a server under a watchdog, and waits until it answers. */
async function serve(on: Namespace, { flags, through }: Serving): Promise<NamespacedServer> {
  reader = await startNotifyReader()
  const env = { NOTIFY_SOCKET: reader.place, WATCHDOG_USEC: '1500000' }
  const settings = 'workers: 1\nlameduck: 0s\n'
  server = launchIn(on, { zone, settings, env, flags, ...(through && { through }) })
  await server.waitForLog(({ event }) => event === 'server.ready')
  return server
}

const told = (word: string): number =>
  reader?.datagrams().filter((line) => line.split(';')[0] === word).length ?? 0

async function answers(on: Namespace, address: string): Promise<boolean> {
  const flags = ['+tries=1', '+time=5', '+norecurse', '+short', '-p', String(dnsPort)]
  const dig = watchChild(on.spawn('dig', [`@${address}`, ...flags, mailDomain, 'SOA']))
  return (await dig.exited).code === 0 && dig.stdout().includes('hostmaster')
}

/** Ready, fed three times more, and nothing of a socket that is silent. */
async function expectWell(running: NamespacedServer): Promise<void> {
  await until(async () => (await running.http('/readyz')).status === 200, {
    what: `ready: ${running.stdout().slice(-2000)}`,
    withinMs: 90_000,
    everyMs: 200,
  })
  const fed = told('WATCHDOG=1')
  await until(() => told('WATCHDOG=1') >= fed + 3, { what: 'fed', withinMs: 60_000 })
  const events = running.logs().map(({ event }) => event)
  expect(events.filter((event) => event?.startsWith('service.'))).toEqual([])
}

const hasProblem = async (running: NamespacedServer): Promise<boolean> => {
  const { body } = await running.http('/status')
  const { problems } = JSON.parse(body) as {
    problems: readonly { kind: string; subject: string }[]
  }
  const row = problems.find(({ kind }) => kind === 'listener-unavailable')
  return row?.subject === `[::]:${dnsPort}`
}

const unavailable = (running: NamespacedServer): readonly unknown[] =>
  running
    .logs()
    .filter(({ event }) => event === 'listener.unavailable')
    .map(({ level, endpoint, isBound }) => ({ level, endpoint, isBound }))

describe.each(['mmsg', 'dgram'])('transport %s', (transport) => {
  const flags = [...wildcards, '--transport', transport]

  test('switched off by sysctl: IPv4 is served, and [::] once there is an address', async () => {
    const on = makeHost(false)
    const running = await serve(on, { flags })
    expect(await answers(on, '127.0.0.1')).toBe(true)
    await expectWell(running)
    expect(unavailable(running)).toEqual([
      { level: 'warn', endpoint: `[::]:${dnsPort}`, isBound: true },
    ])
    expect(await hasProblem(running)).toBe(true)
    setIpv6(on, true)
    await until(() => answers(on, '::1'), { what: 'an answer from ::1', withinMs: 90_000 })
    expect(await hasProblem(running)).toBe(false)
  })

  test('switched off while it serves', async () => {
    const on = makeHost(true)
    const running = await serve(on, { flags })
    expect(await answers(on, '::1')).toBe(true)
    await expectWell(running)
    setIpv6(on, false)
    await expectWell(running)
    expect(await answers(on, '127.0.0.1')).toBe(true)
    expect(unavailable(running)).toEqual([])
  })

  test('not in the kernel: IPv4 is served alone', async () => {
    const on = makeHost(false)
    const running = await serve(on, { flags, through: withoutFamily })
    expect(await answers(on, '127.0.0.1')).toBe(true)
    await expectWell(running)
    expect(unavailable(running)).toEqual([
      { level: 'warn', endpoint: `[::]:${dnsPort}`, isBound: false },
    ])
    expect(await hasProblem(running)).toBe(true)
  })

  test('[::] alone, not in the kernel: it does not start', async () => {
    const on = makeHost(false)
    const alone = ['--listen', `[::]:${dnsPort}`, '--transport', transport]
    server = launchIn(on, { zone, flags: alone, through: withoutFamily })
    expect(await server.exited).toEqual({ code: 3, signal: null })
    expect(server.stdout() + server.stderr()).toContain(`[::]:${dnsPort}`)
  })

  test('[::] alone, switched off by sysctl: it waits for an address, and is not ready', async () => {
    const on = makeHost(false)
    const alone = ['--listen', `[::]:${dnsPort}`, '--transport', transport]
    const running = await serve(on, { flags: alone })
    await until(
      async () => (await running.http('/readyz')).body.includes('cannot send a query to any'),
      { what: 'why it is not ready', withinMs: 90_000, everyMs: 200 },
    )
    setIpv6(on, true)
    await until(async () => (await running.http('/readyz')).status === 200, {
      what: 'ready once there is an address',
      withinMs: 90_000,
      everyMs: 200,
    })
    expect(await answers(on, '::1')).toBe(true)
  })

  test('an address by itself: it does not start', async () => {
    const on = makeHost(false)
    const named = ['--listen', `127.0.0.1:${dnsPort}`, '--listen', `[2001:db8::53]:${dnsPort}`]
    server = launchIn(on, { zone, flags: [...named, '--transport', transport] })
    expect(await server.exited).toEqual({ code: 3, signal: null })
    expect(server.stdout() + server.stderr()).toContain(`[2001:db8::53]:${dnsPort}`)
  })
})
