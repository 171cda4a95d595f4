// The endpoints that the server listens on: which they are, how the log shows them, and what is
// reported when one of them cannot be used.

import type { Endpoint } from '../lib/ip.ts'
import type { Settings } from '../settings/settings.ts'
import { bindAdvice, formatEndpoint } from '../transport/endpoint.ts'
import type { ZoneKeeper } from '../zonefile/zone-keeper.ts'

interface StartInputs {
  readonly settings: Settings
  readonly zones: ZoneKeeper
}

/** Fields of the log event `server.ready`. */
export const startFields = ({ settings, zones }: StartInputs): object => ({
  listen: settings.listen.map(formatEndpoint),
  tls: settings.streams.tls?.listen.map(formatEndpoint) ?? 'off',
  proxy: settings.streams.proxy?.listen.map(formatEndpoint) ?? 'off',
  admin: settings.admin ? formatEndpoint(settings.admin) : 'off',
  workers: settings.workers,
  zones: zones.current().zones,
  cookieSecret: settings.answers.cookieSecrets.length > 0 ? 'configured' : 'random',
})

/** Of queries without and with a PROXY protocol header. */
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

/** `code`: the errno of `bind`, such as `EADDRINUSE`. */
export const cannotListen = (protocol: string, endpoint: Endpoint, code: string): CannotListen => ({
  kind: 'cannot-listen',
  why: `cannot listen on ${protocol} ${formatEndpoint(endpoint)}: ${bindAdvice(code)}`,
})
