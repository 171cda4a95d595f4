// The endpoints that the server listens on: which they are, how the log shows them, and what is
// reported when one of them cannot be used.
//
//   an address by itself that cannot be bound          the server does not start
//   a wildcard of a family that this host lacks        a warning; the server listens on the others
//   a wildcard, and no address of its family here yet  a warning; it is bound, and waits for one

import { isHanded } from '../handover/fit-sockets.ts'
import type { Endpoint } from '../lib/ip.ts'
import type { Settings } from '../settings/settings.ts'
import {
  bindAdvice,
  checkEndpoints,
  formatEndpoint,
  hasAddressFor,
  type UnavailableEndpoint,
} from '../transport/endpoint.ts'
import type { HandedSockets } from '../transport/handed-socket.ts'
import type { ZoneKeeper } from '../zonefile/zone-keeper.ts'
import { logEvent } from './log-events.ts'
import type { Log } from './log.ts'

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
  console: consoleAddress(settings) ?? 'off',
  workers: settings.workers,
  zones: zones.answered(),
  cookieSecret: settings.answers.cookieSecrets.length > 0 ? 'configured' : 'random',
})

/** Where a browser on this host finds the console; null: nowhere. */
function consoleAddress({ admin, adminPrefix, hasConsole }: Settings): string | null {
  if (admin === null || !hasConsole) return null
  const everywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  const address = everywhere[admin.address] ?? admin.address
  return `http://${formatEndpoint({ ...admin, address })}${adminPrefix}/console/`
}

/** Of queries without and with a PROXY protocol header. */
export const udpEndpoints = ({ listen, streams }: Settings): readonly Endpoint[] => [
  ...listen,
  ...(streams.proxy?.listen ?? []),
]

/** Every endpoint of the settings, by protocol. */
export const endpointsOf = (
  settings: Settings,
): { readonly udp: readonly Endpoint[]; readonly tcp: readonly Endpoint[] } => {
  const udp = udpEndpoints(settings)
  const tls = settings.streams.tls?.listen ?? []
  return { udp, tcp: [...udp, ...tls, ...(settings.admin ? [settings.admin] : [])] }
}

type ListenerCheck =
  /** `settings`: without the endpoints that cannot be bound since this host lacks their family. */
  | {
      readonly kind: 'checked'
      readonly settings: Settings
      readonly unavailable: readonly UnavailableEndpoint[]
    }
  | CannotListen

/** Tries every endpoint of the settings that has not come bound, and logs those at which no client can ask. */
export async function checkListeners(
  settings: Settings,
  log: Log,
  { sockets }: HandedSockets,
): Promise<ListenerCheck> {
  const { streams } = settings
  const checked = await checkEndpoints(
    udpEndpoints(settings),
    streams.tls?.listen,
    isHanded(sockets),
  )
  if (checked.kind === 'taken')
    return cannotListen(checked.protocol, checked.endpoint, checked.code)
  const missing = checked.unavailable.filter(({ code }) => code !== null)
  const isHere = (endpoint: Endpoint): boolean => !missing.some((one) => one.endpoint === endpoint)
  const listen = settings.listen.filter(isHere)
  const first = missing.find(({ endpoint }) => endpoint === settings.listen[0])
  if (listen.length === 0 && first)
    return cannotListen('UDP and TCP', first.endpoint, first.code ?? '')
  for (const one of checked.unavailable) logUnavailable(log, one)
  const { tls, proxy } = streams
  const kept = {
    ...streams,
    tls: tls && { ...tls, listen: tls.listen.filter(isHere) },
    proxy: proxy && { ...proxy, listen: proxy.listen.filter(isHere) },
  }
  const { unavailable } = checked
  return { kind: 'checked', settings: { ...settings, listen, streams: kept }, unavailable }
}

const logUnavailable = (log: Log, one: UnavailableEndpoint): void =>
  logEvent(log, 'listener.unavailable', fieldsOf(one))

interface UnavailableFields {
  readonly endpoint: string
  readonly why: string
  readonly isBound: boolean
}

const fieldsOf = ({ endpoint, code }: UnavailableEndpoint): UnavailableFields => ({
  endpoint: formatEndpoint(endpoint),
  why: code ?? 'no interface of this host has an address of that family',
  isBound: code === null,
})

/** Those that were unavailable at the start and are still: a bound one until an interface has an address of its family. */
export const stillUnavailable = (
  endpoints: readonly UnavailableEndpoint[],
): readonly UnavailableFields[] =>
  endpoints.filter(({ endpoint, code }) => code !== null || !hasAddressFor(endpoint)).map(fieldsOf)

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
