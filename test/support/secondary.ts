// BIND and NSD as secondaries: they take a zone from 127.0.0.1:`primaryPort` and serve it, and pass it on to whoever asks.

import { bindBasics } from './bind.ts'
import { type ForeignServer, type Place, startForeign } from './foreign-server.ts'

/** Resolves once the zone was taken and is answered with authority. */
export const startBindSecondary = (apex: string, primaryPort: number): Promise<ForeignServer> =>
  startForeign(
    {
      command: 'named',
      arguments: (file) => ['-g', '-n', '1', '-c', file],
      configuration: (place) => bindConfiguration(place, apex, primaryPort),
    },
    [{ apex, text: '' }],
  )

export const startNsdSecondary = (apex: string, primaryPort: number): Promise<ForeignServer> =>
  startForeign(
    {
      command: 'nsd',
      arguments: (file) => ['-d', '-c', file],
      configuration: (place) => nsdConfiguration(place, apex, primaryPort),
    },
    [{ apex, text: '' }],
  )

const bindConfiguration = (place: Place, apex: string, primaryPort: number): string => `
options {
${bindBasics(place)}
  recursion no;
  notify no;
  allow-query { any; };
  allow-transfer { any; };
  empty-zones-enable no;
};
controls { };
logging { category default { default_stderr; }; };
zone "${apex}" {
  type secondary;
  primaries { 127.0.0.1 port ${primaryPort}; };
  file "${place.folder}/secondary.zone";
  masterfile-format text;
};
`

const nsdConfiguration = ({ folder, port }: Place, apex: string, primaryPort: number): string => `
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
remote-control:
  control-enable: no
zone:
  name: "${apex}"
  zonefile: "secondary.zone"
  request-xfr: 127.0.0.1@${primaryPort} NOKEY
  allow-notify: 127.0.0.1 NOKEY
  provide-xfr: 127.0.0.1 NOKEY
`
