// BIND's named as an authoritative server alone: no recursion, no control channel, no zones but those given.
//
// `minimal-responses no-auth` leaves out the apex NS beside positive answers, and keeps additional addresses. Records
// keep the order of the file. Checks of a zone's content are off: what is odd there is what we want to compare.

import { startForeign } from './foreign-server.ts'
import type { ForeignServer, ForeignZone, Place } from './foreign-server.ts'

export const startBind = (zones: readonly ForeignZone[]): Promise<ForeignServer> =>
  startForeign(
    {
      command: 'named',
      arguments: (file) => ['-g', '-n', '1', '-c', file],
      configuration,
    },
    zones,
  )

/** Options of every named that a test starts: on one port of the loopback, with nothing outside of its folder. */
export const bindBasics = ({
  folder,
  port,
}: Pick<Place, 'folder' | 'port'>): string => `  directory "${folder}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  lock-file none;
  session-keyfile none;
  managed-keys-directory "${folder}";`

const configuration = (place: Place): string => `
options {
${bindBasics(place)}
  recursion no;
  dnssec-validation no;
  notify no;
  allow-query { any; };
  allow-transfer { none; };
  empty-zones-enable no;
  minimal-responses no-auth;
  rrset-order { order none; };
  check-names primary ignore;
  check-integrity no;
  check-mx ignore;
  check-mx-cname ignore;
  check-srv-cname ignore;
  check-wildcard no;
};
controls { };
logging { category default { default_stderr; }; };
${place.zones.map(({ apex, file }) => `zone "${apex}" { type primary; file "${file}"; };`).join('\n')}
`
