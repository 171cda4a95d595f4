// NSD with its rate limiting off, as whoever starts it, without remote control and without files outside its folder.

import { startForeign } from './foreign-server.ts'
import type { ForeignServer, ForeignZone, Place } from './foreign-server.ts'

export const startNsd = (zones: readonly ForeignZone[]): Promise<ForeignServer> =>
  startForeign(
    {
      command: 'nsd',
      arguments: (file) => ['-d', '-c', file],
      configuration,
    },
    zones,
  )

const configuration = ({ folder, port, zones }: Place): string => `
server:
  server-count: 1
  ip-address: 127.0.0.1@${port}
  do-ip6: no
  username: ""
  chroot: ""
  database: ""
  zonesdir: "${folder}"
  pidfile: "${folder}/nsd.pid"
  xfrdfile: "${folder}/xfrd.state"
  xfrdir: "${folder}"
  zonelistfile: "${folder}/zone.list"
  rrl-ratelimit: 0
  rrl-whitelist-ratelimit: 0
remote-control:
  control-enable: no
${zones.map(({ apex, file }) => `zone:\n  name: "${apex}"\n  zonefile: "${file}"\n`).join('')}`
