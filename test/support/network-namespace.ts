// Two hosts of their own on this machine, as network namespaces: one serves, with two anycast addresses of each family
// on its loopback interface, one asks. There are two links between them. Queries for the anycast addresses go over
// veth0; answers to the `far` addresses of the one that asks go over veth1. It takes root and ip(8).
//
//   asks   10.53.0.2 fd53::2 fe80::2 ── veth0 ── 10.53.0.1 fd53::1 fe80::1   serves
//          10.54.0.2 fd54::2         ── veth1 ── 10.54.0.1 fd54::1

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { readlinkSync } from 'node:fs'

import { atExit } from './at-exit.ts'

export const anycast = {
  4: ['192.0.2.53', '198.51.100.53'],
  6: ['2001:db8:1::53', '2001:db8:2::53'],
} as const
/** What an answer leaves from by default. */
export const onLink = { 4: '10.53.0.1', 6: 'fd53::1' } as const
export const linkLocal = 'fe80::1%veth0'
/** Both of the one that asks. */
export const near = { 4: '10.53.0.2', 6: 'fd53::2' } as const
export const far = { 4: '10.77.0.2', 6: 'fd77::2' } as const

export type Side = 'serves' | 'asks'

export interface Namespaces {
  spawn(side: Side, command: string, args: readonly string[]): ChildProcess
  remove(): void
}

/** Throws, in one line, where namespaces cannot be made. */
export function createNamespaces(): Namespaces {
  const holders: ChildProcess[] = []
  const remove = (): void => holders.forEach((holder) => void holder.kill('SIGKILL'))
  atExit(remove)
  try {
    const serves = hold(holders)
    const asks = hold(holders)
    for (const [side, line] of commandsFor(serves, asks)) run(side, 'ip', ...line.split(' '))
    for (const side of [serves, asks]) tune(side)
    return {
      remove,
      spawn: (side, command, args) =>
        spawn('nsenter', entering(side === 'serves' ? serves : asks, command, args), {
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
    }
  } catch (error) {
    remove()
    const why = String((error as { stderr?: unknown }).stderr || error).trim()
    throw new Error(`network namespaces need root and ip(8): ${why.split('\n')[0]}`, {
      cause: error,
    })
  }
}

/** A process that is a namespace: it ends with it. No mounts, so that it works in a chroot too. */
function hold(holders: ChildProcess[]): number {
  const holder = spawn('unshare', ['--net', 'sleep', '600'], { stdio: 'ignore' })
  holder.on('error', () => {})
  holders.push(holder)
  const { pid } = holder
  if (pid === undefined) throw new Error('there is no unshare(1)')
  const ours = readlinkSync('/proc/self/ns/net')
  for (let tries = 0; tries < 500; tries++) {
    if (readNamespace(pid) !== ours) return pid
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
  }
  throw new Error('unshare(1) makes none')
}

/** Of a process that has ended it is ours: nothing to enter. */
function readNamespace(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`)
  } catch {
    return readlinkSync('/proc/self/ns/net')
  }
}

const entering = (side: number, command: string, args: readonly string[]): string[] => [
  `--net=/proc/${side}/ns/net`,
  command,
  ...args,
]

const run = (side: number, command: string, ...args: readonly string[]): void =>
  void execFileSync('nsenter', entering(side, command, args), {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 10_000,
  })

function tune(side: number): void {
  const set = (key: string, value: number): void =>
    run(side, 'sh', '-c', `echo ${value} > /proc/sys/net/ipv4/conf/${key}`)
  // Paths that differ by direction look like forged ones to a strict filter.
  for (const device of ['all', 'veth0', 'veth1']) set(`${device}/rp_filter`, 0)
  // Or a host takes any of its addresses for its own on either link, and hides an answer on the wrong one.
  set('all/arp_ignore', 1)
}

/** What to tell ip(8), and in which namespace. */
function commandsFor(serves: number, asks: number): readonly (readonly [number, string])[] {
  const address = (side: number, device: string, text: string): readonly [number, string] => [
    side,
    `addr add ${text} dev ${device}${text.includes(':') ? ' nodad' : ''}`,
  ]
  const links = [0, 1].flatMap((n): (readonly [number, string])[] => [
    [serves, `link add veth${n} type veth peer veth${n} netns ${asks}`],
    address(serves, `veth${n}`, `10.${53 + n}.0.1/24`),
    address(serves, `veth${n}`, `fd${53 + n}::1/64`),
    address(asks, `veth${n}`, `10.${53 + n}.0.2/24`),
    address(asks, `veth${n}`, `fd${53 + n}::2/64`),
    [serves, `link set veth${n} up`],
    [asks, `link set veth${n} up`],
  ])
  const sides = [serves, asks].map((side): readonly [number, string] => [side, 'link set lo up'])
  const routes = ([4, 6] as const).flatMap((family): (readonly [number, string])[] => {
    const bits = family === 4 ? 32 : 128
    return [
      ...anycast[family].flatMap((text): (readonly [number, string])[] => [
        address(serves, 'lo', `${text}/${bits}`),
        [asks, `route add ${text}/${bits} via ${onLink[family]}`],
      ]),
      address(asks, 'lo', `${far[family]}/${bits}`),
      [serves, `route add ${far[family]}/${bits} via ${family === 4 ? '10.54.0.2' : 'fd54::2'}`],
    ]
  })
  const local = [address(serves, 'veth0', 'fe80::1/64'), address(asks, 'veth0', 'fe80::2/64')]
  return [...sides, ...links, ...local, ...routes]
}
