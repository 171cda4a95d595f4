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

const configuration = ({ folder, port, zones }: Place): string => `
options {
  directory "${folder}";
  listen-on port ${port} { 127.0.0.1; };
  listen-on-v6 { none; };
  pid-file none;
  lock-file none;
  session-keyfile none;
  managed-keys-directory "${folder}";
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
${zones.map(({ apex, file }) => `zone "${apex}" { type primary; file "${file}"; };`).join('\n')}
`
