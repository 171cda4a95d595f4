// Two hosts of their own on this machine, as network namespaces: one serves, with two anycast addresses of each family
// on its loopback interface, one asks. There are two links between them. Queries for the anycast addresses go over
// veth0; answers to the `far` addresses of the one that asks go over veth1. It takes root and ip(8).
//
//   asks   10.53.0.2 fd53::2 fe80::2 ── veth0 ── 10.53.0.1 fd53::1 fe80::1   serves
//          10.54.0.2 fd54::2         ── veth1 ── 10.54.0.1 fd54::1

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'

import { atExit } from './at-exit.ts'

export const anycast = {
  4: ['192.0.2.53', '198.51.100.53'],
  6: ['2001:db8:1::53', '2001:db8:2::53'],
} as const
/** What an answer leaves from if nobody says otherwise. */
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
  const name = { serves: `mxs${process.pid}s`, asks: `mxs${process.pid}a` }
  const remove = (): void => {
    for (const side of Object.values(name)) {
      try {
        ip('netns', 'del', side)
      } catch {
        // It was not there.
      }
    }
  }
  atExit(remove)
  try {
    for (const line of commandsFor(name)) ip(...line.split(' '))
    for (const side of Object.values(name)) tune(side)
  } catch (error) {
    remove()
    const why = String((error as { stderr?: unknown }).stderr ?? error).trim()
    throw new Error(`network namespaces need root and ip(8): ${why.split('\n')[0]}`, {
      cause: error,
    })
  }
  return {
    remove,
    spawn: (side, command, args) =>
      spawn('ip', ['netns', 'exec', name[side], command, ...args], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
  }
}

const ip = (...args: readonly string[]): void =>
  void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'], timeout: 10_000 })

function tune(side: string): void {
  const set = (key: string, value: number): void =>
    ip('netns', 'exec', side, 'sh', '-c', `echo ${value} > /proc/sys/net/ipv4/conf/${key}`)
  // Paths that differ by direction look like forged ones to a strict filter.
  for (const device of ['all', 'veth0', 'veth1']) set(`${device}/rp_filter`, 0)
  // Or a host takes any of its addresses for its own on either link, and hides an answer on the wrong one.
  set('all/arp_ignore', 1)
}

function commandsFor({ serves, asks }: Readonly<Record<Side, string>>): readonly string[] {
  const address = (side: string, device: string, text: string): string =>
    `-n ${side} addr add ${text} dev ${device}${text.includes(':') ? ' nodad' : ''}`
  const links = [0, 1].flatMap((n) => [
    `-n ${serves} link add veth${n} type veth peer veth${n} netns ${asks}`,
    address(serves, `veth${n}`, `10.${53 + n}.0.1/24`),
    address(serves, `veth${n}`, `fd${53 + n}::1/64`),
    address(asks, `veth${n}`, `10.${53 + n}.0.2/24`),
    address(asks, `veth${n}`, `fd${53 + n}::2/64`),
    `-n ${serves} link set veth${n} up`,
    `-n ${asks} link set veth${n} up`,
  ])
  const sides = [serves, asks].flatMap((side) => [`netns add ${side}`, `-n ${side} link set lo up`])
  const routes = ([4, 6] as const).flatMap((family) => {
    const bits = family === 4 ? 32 : 128
    return [
      ...anycast[family].flatMap((text) => [
        address(serves, 'lo', `${text}/${bits}`),
        `-n ${asks} route add ${text}/${bits} via ${onLink[family]}`,
      ]),
      address(asks, 'lo', `${far[family]}/${bits}`),
      `-n ${serves} route add ${far[family]}/${bits} via ${family === 4 ? '10.54.0.2' : 'fd54::2'}`,
    ]
  })
  const local = [address(serves, 'veth0', 'fe80::1/64'), address(asks, 'veth0', 'fe80::2/64')]
  return [...sides, ...links, ...local, ...routes]
}
