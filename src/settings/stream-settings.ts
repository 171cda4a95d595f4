// Settings of what is served over TCP besides DNS itself: DNS over TLS, listeners for the PROXY
// protocol, zone transfers.

import type { z } from 'zod'
import {
  formatAddress,
  parseAddress,
  parseEndpoint,
  type Endpoint,
  type Network,
} from '../lib/ip.ts'
import { closedMap, leaf, oneOrMany, path } from '../zonefile/leaf.ts'
import { network } from './setting-leaves.ts'

/** Default port of DNS over TLS (RFC 7858 §3.1). */
const tlsPort = 853

/** An address with or without a port. */
const tlsEndpoint: z.ZodType<Endpoint> = leaf({
  expected: 'an address such as 192.0.2.53, or ADDRESS:PORT such as [::1]:853',
  fallback: '127.0.0.1:853',
  read(value) {
    if (typeof value !== 'string') return null
    const address = parseAddress(value.trim())
    if (address === null) return parseEndpoint(value.trim())
    return { address: formatAddress(address.octets), port: tlsPort }
  },
})

const proxyEndpoint: z.ZodType<Endpoint> = leaf({
  expected: 'ADDRESS:PORT such as 127.0.0.1:5301 or [::1]:5301',
  fallback: '127.0.0.1:5301',
  read: (value) => (typeof value === 'string' ? parseEndpoint(value.trim()) : null),
})

/** Paths of the PEM files; their contents are read at start and again when the files change. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

/** `tls:` of mxsteer.yaml. */
export interface TlsValues extends TlsFiles {
  readonly listen?: readonly Endpoint[] | undefined
}

/** `proxy:` of mxsteer.yaml. */
export interface ProxyValues {
  readonly listen: readonly Endpoint[]
  /** Networks from which a PROXY header is believed. */
  readonly from: readonly Network[]
}

/** `transfer:` of mxsteer.yaml. */
export interface TransferValues {
  readonly allow: readonly Network[]
}

interface StreamValues {
  readonly tls?: TlsValues | undefined
  readonly proxy?: ProxyValues | undefined
  readonly transfer?: TransferValues | undefined
}

export const tls: z.ZodType<TlsValues> = closedMap(
  {
    listen: oneOrMany(tlsEndpoint).optional(),
    certificate: path,
    key: path,
  },
  '{ certificate: server.crt, key: server.key }',
)

export const proxy: z.ZodType<ProxyValues> = closedMap(
  {
    listen: oneOrMany(proxyEndpoint),
    from: oneOrMany(network),
  },
  '{ listen: 127.0.0.1:5353, from: 127.0.0.1 }',
)

export const transfer: z.ZodType<TransferValues> = closedMap(
  {
    allow: oneOrMany(network),
  },
  '{ allow: 192.0.2.0/24 }',
)

interface TlsSettings extends TlsFiles {
  readonly listen: readonly Endpoint[]
}

export interface StreamSettings {
  /** null: DNS over TLS is off. */
  readonly tls: TlsSettings | null
  /** null: there are no listeners for the PROXY protocol. */
  readonly proxy: ProxyValues | null
  /** Networks that may transfer whole zones. */
  readonly transferAllow: readonly Network[]
}

/**
 * DNS over TLS listens at port 853 of each address in `listen`, unless it has listeners of its own.
 */
export const streamSettings = (
  { tls, proxy, transfer }: StreamValues,
  listen: readonly Endpoint[],
): StreamSettings => ({
  tls: tls ? { ...tls, listen: tls.listen ?? atTlsPort(listen) } : null,
  proxy: proxy ?? null,
  transferAllow: transfer?.allow ?? [],
})

const atTlsPort = (listen: readonly Endpoint[]): Endpoint[] =>
  [...new Set(listen.map(({ address }) => address))].map((address) => ({ address, port: tlsPort }))

/** The message for an endpoint that two protocols would listen on; null: there is none. */
export function sharedEndpoint(
  listen: readonly Endpoint[],
  { tls, proxy }: StreamSettings,
): string | null {
  const groups: readonly [key: string, endpoints: readonly Endpoint[]][] = [
    ['listen', listen],
    ['tls.listen', tls?.listen ?? []],
    ['proxy.listen', proxy?.listen ?? []],
  ]
  const keys = new Map<string, string>()
  for (const [key, endpoints] of groups) {
    for (const { address, port } of endpoints) {
      const name = `${address} port ${port}`
      const other = keys.get(name)
      if (other !== undefined && other !== key) return `${name} is in ${other} and in ${key}`
      keys.set(name, key)
    }
  }
  return null
}
