// Unbound as a resolver that knows one zone and where it is served: the queries are those of real resolvers.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { startForeign } from './foreign-server.ts'
import type { ForeignServer, Place } from './foreign-server.ts'
import { type Anchor, sepKeys } from './foreign-validators.ts'
import type { Question } from './dnssec-validator.ts'
import { qtypes } from './signed-questions.ts'

export const startUnbound = (zone: string, port: number): Promise<ForeignServer> =>
  start((place) => configuration(place, 'module-config: "iterator"', stub(zone, port)))

/**
 * Unbound as it validates at its strictest, and answers by the NSECs that it has (RFC 8198). It asks with letters of any
 * case. Names outside of the zones it asks for there too, so that it never asks anyone else.
 */
export const startValidatingUnbound = (anchors: readonly Anchor[]): Promise<ForeignServer> =>
  start((place) => validatingConfiguration(anchors, place))

/**
 * A CNAME or DNAME that is asked for below a DNAME of the zone, at `tree`: Unbound may find the answer bogus, whoever serves
 * it (test/dnssec/foreign-validators.e2e.test.ts).
 */
export const isUnboundFault = ({ qname, qtype }: Question): boolean =>
  (qtype === qtypes.CNAME || qtype === qtypes.DNAME) && /\btree\./i.test(qname)

/** The text of its configuration, for one that is started elsewhere; the anchors are written into the folder. */
export function validatingConfiguration(
  anchors: readonly Anchor[],
  place: Pick<Place, 'folder' | 'port'>,
): string {
  const file = join(place.folder, 'anchors')
  writeFileSync(file, anchors.map(({ keys }) => sepKeys(keys)).join(''))
  const [{ port } = { port: 0 }] = anchors
  const stubs = anchors.map((one) => stub(one.apex, one.port)).join('')
  return configuration(place, strictness(file), stub('.', port) + stubs)
}

/** As Debian ships it, for a zone; `lines` for its section `server`. */
export const plainConfiguration = (
  zone: Pick<Anchor, 'apex' | 'port'>,
  place: Pick<Place, 'folder' | 'port'>,
  lines: string,
): string =>
  configuration(place, `module-config: "iterator"\n  ${lines}`, stub(zone.apex, zone.port))

const start = (configure: (place: Place) => string): Promise<ForeignServer> =>
  startForeign(
    { command: 'unbound', arguments: (file) => ['-d', '-c', file], configuration: configure },
    [],
  )

const strictness = (anchors: string): string => `module-config: "validator iterator"
  trust-anchor-file: "${anchors}"
  trust-anchor-signaling: no
  root-key-sentinel: no
  aggressive-nsec: yes
  use-caps-for-id: yes
  harden-glue: yes
  harden-dnssec-stripped: yes
  harden-below-nxdomain: yes
  harden-algo-downgrade: yes
  harden-large-queries: yes
  harden-short-bufsize: yes
  val-log-level: 2
  rrset-roundrobin: no
  infra-host-ttl: 1
  minimal-responses: no`

const stub = (zone: string, port: number): string => `
stub-zone:
  name: "${zone}"
  stub-addr: 127.0.0.1@${port}
`

const configuration = (
  { folder, port }: Pick<Place, 'folder' | 'port'>,
  modules: string,
  stubs: string,
): string => `
server:
  interface: 127.0.0.1
  port: ${port}
  do-ip6: no
  username: ""
  chroot: ""
  directory: "${folder}"
  pidfile: "${folder}/unbound.pid"
  use-syslog: no
  num-threads: 1
  ${modules}
  do-not-query-localhost: no
  local-zone: "test." nodefault
remote-control:
  control-enable: no
${stubs}`
