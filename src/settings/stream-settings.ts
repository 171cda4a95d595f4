// Settings of what is spoken over connections: DNS over TLS, listeners behind proxies, zone transfers.

import type { z } from 'zod'
import {
  formatAddress,
  parseAddress,
  parseEndpoint,
  type Endpoint,
  type Network,
} from '../lib/ip.ts'
import { network } from './answer-settings.ts'
import { closedMap, leaf, oneOrMany, text } from '../zonefile/leaf.ts'

/** RFC 7858 §3.1. */
const tlsPort = 853

const path = text('a path', /^[^\0]{1,4096}$/, '.')

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

interface TlsValues {
  readonly listen?: readonly Endpoint[] | undefined
  readonly certificate: string
  readonly key: string
}

/** What only the file can say. */
export interface StreamValues {
  readonly tls?: TlsValues | undefined
  readonly proxy?: ProxyGiven | undefined
  readonly transfer?: { readonly allow: readonly Network[] } | undefined
}

export const tls: z.ZodType<TlsValues> = closedMap({
  listen: oneOrMany(tlsEndpoint).optional(),
  certificate: path,
  key: path,
})

export const proxy: z.ZodType<ProxyGiven> = closedMap({
  listen: oneOrMany(proxyEndpoint),
  from: oneOrMany(network),
})

export const transfer: z.ZodType<{ readonly allow: readonly Network[] }> = closedMap({
  allow: oneOrMany(network),
})

/** Where files are, not what is in them: that is read again when they change. */
export interface TlsFiles {
  readonly certificate: string
  readonly key: string
}

interface TlsGiven extends TlsFiles {
  readonly listen: readonly Endpoint[]
}

interface ProxyGiven {
  readonly listen: readonly Endpoint[]
  /** Who may say whom it speaks for. */
  readonly from: readonly Network[]
}

/** null: not spoken. */
export interface StreamsGiven {
  readonly tls: TlsGiven | null
  readonly proxy: ProxyGiven | null
  readonly transferAllow: readonly Network[]
}

/** DNS over TLS listens beside DNS unless told where. */
export const streamsOf = (
  { tls: given, proxy: proxied, transfer: allowed }: StreamValues,
  listen: readonly Endpoint[],
): StreamsGiven => ({
  tls: given ? { ...given, listen: given.listen ?? besides(listen) } : null,
  proxy: proxied ?? null,
  transferAllow: allowed?.allow ?? [],
})

const besides = (listen: readonly Endpoint[]): Endpoint[] =>
  [...new Set(listen.map(({ address }) => address))].map((address) => ({ address, port: tlsPort }))

/** What is listened on for two protocols at once would be given to one of them by chance. */
export function endpointTwice(
  listen: readonly Endpoint[],
  { tls: encrypted, proxy: proxied }: StreamsGiven,
): string | null {
  const groups: readonly [key: string, endpoints: readonly Endpoint[]][] = [
    ['listen', listen],
    ['tls.listen', encrypted?.listen ?? []],
    ['proxy.listen', proxied?.listen ?? []],
  ]
  const seen = new Map<string, string>()
  for (const [key, endpoints] of groups) {
    for (const { address, port } of endpoints) {
      const name = `${address} port ${port}`
      const other = seen.get(name)
      if (other !== undefined && other !== key) return `${name} is in ${other} and in ${key}`
      seen.set(name, key)
    }
  }
  return null
}
