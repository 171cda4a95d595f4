// What a start says of itself: where it answers, or why it cannot.

import type { Settings } from '../settings/settings.ts'
import type { ZoneKeeper } from '../zonefile/zone-keeper.ts'
import { bindAdvice, formatEndpoint } from '../transport/endpoint.ts'
import type { Endpoint } from '../lib/ip.ts'

export const describeStart = ({ settings, keeper }: Started): object => ({
  listen: settings.listen.map(formatEndpoint),
  tls: settings.streams.tls?.listen.map(formatEndpoint) ?? 'off',
  proxy: settings.streams.proxy?.listen.map(formatEndpoint) ?? 'off',
  admin: settings.admin ? formatEndpoint(settings.admin) : 'off',
  workers: settings.workers,
  zones: keeper.current().zones,
  cookieSecret: settings.answers.cookieSecrets.length > 0 ? 'configured' : 'random',
})

interface Started {
  readonly settings: Settings
  readonly keeper: ZoneKeeper
}

export const udpEndpoints = ({ listen, streams }: Settings): readonly Endpoint[] => [
  ...listen,
  ...(streams.proxy?.listen ?? []),
]

interface CannotListen {
  readonly kind: 'cannot-listen'
  readonly why: string
}

export const cannotUseMmsg = (why: string): CannotListen => ({
  kind: 'cannot-listen',
  why: `transport mmsg does not work here: ${why}; with auto another one serves`,
})

export const cannotListen = (protocol: string, endpoint: Endpoint, code: string): CannotListen => ({
  kind: 'cannot-listen',
  why: `cannot listen on ${protocol} ${formatEndpoint(endpoint)}: ${bindAdvice(code)}`,
})
