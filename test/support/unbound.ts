// Unbound as a resolver that knows one zone and where it is served: the queries are those of real resolvers.

import { startForeign } from './foreign-server.ts'
import type { ForeignServer } from './foreign-server.ts'

export const startUnbound = (zone: string, port: number): Promise<ForeignServer> =>
  startForeign(
    {
      command: 'unbound',
      arguments: (file) => ['-d', '-c', file],
      configuration: (place) => `
server:
  interface: 127.0.0.1
  port: ${place.port}
  do-ip6: no
  username: ""
  chroot: ""
  directory: "${place.folder}"
  pidfile: "${place.folder}/unbound.pid"
  use-syslog: no
  num-threads: 1
  module-config: "iterator"
  do-not-query-localhost: no
  local-zone: "test." nodefault
remote-control:
  control-enable: no
stub-zone:
  name: "${zone}"
  stub-addr: 127.0.0.1@${port}
`,
    },
    [],
  )
