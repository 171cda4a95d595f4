// Two hosts of their own on this machine, as network namespaces: one serves, with two anycast addresses of each family
// on its loopback interface, one asks. There are two links between them. Queries for the anycast addresses go over
// veth0; answers to the `far` addresses of the one that asks go over veth1. It takes root and ip(8).
//
//   asks   10.53.0.2 fd53::2 fe80::2 ── veth0 ── 10.53.0.1 fd53::1 fe80::1   serves
//          10.54.0.2 fd54::2         ── veth1 ── 10.54.0.1 fd54::1

import type { ChildProcess } from 'node:child_process'

import { createNamespace, described, type Namespace } from './namespace.ts'

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
  const serves = createNamespace()
  const asks = createNamespace()
  const remove = (): void => [serves, asks].forEach((side) => side.remove())
  try {
    for (const [side, line] of commandsFor(serves, asks)) side.ip(line)
    for (const side of [serves, asks]) tune(side)
    return {
      remove,
      spawn: (side, command, args) => (side === 'serves' ? serves : asks).spawn(command, args),
    }
  } catch (error) {
    remove()
    throw described(error)
  }
}

function tune(side: Namespace): void {
  // Paths that differ by direction look like forged ones to a strict filter.
  for (const device of ['all', 'veth0', 'veth1']) side.sysctl(`ipv4/conf/${device}/rp_filter`, 0)
  // Or a host takes any of its addresses for its own on either link, and hides an answer on the wrong one.
  side.sysctl('ipv4/conf/all/arp_ignore', 1)
}

type Command = readonly [Namespace, string]

/** What to tell ip(8), and in which namespace. */
function commandsFor(serves: Namespace, asks: Namespace): readonly Command[] {
  const address = (side: Namespace, device: string, text: string): Command => [
    side,
    `addr add ${text} dev ${device}${text.includes(':') ? ' nodad' : ''}`,
  ]
  const links = [0, 1].flatMap((n): Command[] => [
    [serves, `link add veth${n} type veth peer veth${n} netns ${asks.pid}`],
    address(serves, `veth${n}`, `10.${53 + n}.0.1/24`),
    address(serves, `veth${n}`, `fd${53 + n}::1/64`),
    address(asks, `veth${n}`, `10.${53 + n}.0.2/24`),
    address(asks, `veth${n}`, `fd${53 + n}::2/64`),
    [serves, `link set veth${n} up`],
    [asks, `link set veth${n} up`],
  ])
  const sides = [serves, asks].map((side): Command => [side, 'link set lo up'])
  const routes = ([4, 6] as const).flatMap((family): Command[] => {
    const bits = family === 4 ? 32 : 128
    return [
      ...anycast[family].flatMap((text): Command[] => [
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
